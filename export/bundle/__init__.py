"""The last step of export: sign.py signs a payload, keys.py makes keys, pin.py ships a bundle in the wheel."""
