"""Statements about a finished record. Each raises AssertionError, in words, when the record denies it."""
