"""The one representation between the record and all who read it."""
