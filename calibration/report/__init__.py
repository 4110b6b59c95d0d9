"""Is what was calibrated true? One HTML file that opens offline. style.py, markup.py and plot.py make pages for `export.report` too."""
