"""The models' gateway: what agents ask of vendors passes through here, metered, priced, and within their budgets."""
