"""Stories as files for other programs: one module a format, each a pure function; `formats` has the table of them."""
