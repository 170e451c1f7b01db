"""The version that client and engine compare. A constant: reading the package's metadata costs a start 20 ms."""

VERSION = "0.1.0"
