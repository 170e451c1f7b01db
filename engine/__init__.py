"""Decides and acts; knows no screen."""
