"""Where on the body: coded sites, sides, and the figure on which they are chosen."""
