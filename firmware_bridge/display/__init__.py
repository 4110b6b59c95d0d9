"""The display link: a small screen on a serial line that says what the device says, and never longer than it is true (docs/display.md)."""
