"""Agents that speak the Agent Client Protocol: one client for all, what is peculiar to each in a profile of data.

`adapter` starts a program, `session` follows it, `peer` is the SDK's connection, `pipe` its way over our own pipes,
`updates` and `leave` turn what is said into our own words. Only `start` imports the SDK.
"""
