"""`sonoderm demo`: the live path on a rendered phantom, with faults that happen in the capture process itself and are timed."""
