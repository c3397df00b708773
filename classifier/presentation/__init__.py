"""What the domain keeps, made fit for a reader: words for codes, figures, pictures. Shared by pages, API and admin."""
