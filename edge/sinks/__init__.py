"""What people and programs see: one module per URI scheme, over one record, one table of looks and one choice of words."""
