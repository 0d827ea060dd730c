"""Graphs on other engines; each bridge is imported where it is asked for."""
