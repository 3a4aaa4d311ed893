"""File formats: a file's bytes become a `Document`; archives are unpacked."""
