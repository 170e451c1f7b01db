"""Agents that are told their task once and print what they do as lines of JSON: one language, and a table for each.

They ask nobody for leave and take no messages in between: what they may do is what their place lets them.
"""
