"""What must hold before a bundle is written, and the numbers that belong to each (form, engine)."""
