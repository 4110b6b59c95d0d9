"""Commands of the device: one thin module each (parse, call, print)."""
