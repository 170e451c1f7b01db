"""How the dashboard looks: inks as styles, glyphs, the frame of the screen. What is shown is decided elsewhere."""
