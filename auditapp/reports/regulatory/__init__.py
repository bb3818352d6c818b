"""How annexes read: one file for each template of `auditapp.regulatory`."""
