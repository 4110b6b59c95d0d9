"""The workstation: from labelled pictures to a signed bundle."""
