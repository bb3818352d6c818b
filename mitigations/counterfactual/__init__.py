"""Repair without retraining: move the inputs of a group until its disparity is gone."""
