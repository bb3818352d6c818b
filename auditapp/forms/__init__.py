"""Forms: strings of a request in, domain types out."""
