"""Where the figures of README and docs come from. Each prints a table; --json writes it."""
