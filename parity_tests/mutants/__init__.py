"""Small changes at random: does the suite notice every one that changes anything?"""
