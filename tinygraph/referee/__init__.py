"""The referee: what is right and what is wrong in what a learner writes, and which slip explains it."""
