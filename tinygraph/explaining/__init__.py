"""What an op is, from its declaration alone: its formula, its sentence, its curve and its derivative."""
