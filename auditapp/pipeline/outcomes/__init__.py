"""How each kind of outcome is measured: one file each."""
