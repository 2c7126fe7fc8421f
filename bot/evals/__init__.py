"""Evaluation: cases, the desk they are played on, scores, reports and comparisons."""
