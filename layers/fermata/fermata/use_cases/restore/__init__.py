"""After a restore of the table: prepare it before anything can order, and recover the jobs that were open then."""
