"""What is run to judge each exercise: its functions, called alone with drawn arguments."""
