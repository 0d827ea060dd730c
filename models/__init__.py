"""Models built on tinygraph's public interface alone."""
