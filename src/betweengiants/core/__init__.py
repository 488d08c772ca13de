"""Small shared pieces: errors, tables, countries, units, intervals. Knows no state by name and no model."""
