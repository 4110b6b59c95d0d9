"""`web:`: the screen as a page for any browser on this machine, or, with a token, on this network."""
