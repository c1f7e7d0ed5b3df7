"""Questions with many good answers, and one of them for each: synonyms, reasons, lists, rhymes, first sentences."""

from village.lists import paired

SYNONYMS = paired("""
    quick/fast large/big small/little begin/start end/finish glad/happy unhappy/sad angry/cross silent/quiet
    difficult/hard simple/easy clever/bright odd/strange afraid/frightened brave/bold tired/weary hungry/starving
    pretty/lovely shout/call speak/talk look/see jump/leap shut/close repair/mend purchase/buy depart/leave
    assist/help reply/answer select/choose discover/find grip/hold throw/toss weep/cry chat/talk tale/story
    road/street home/house rock/stone woods/forest path/way present/gift picture/drawing error/mistake
    ill/sick wealthy/rich entire/whole damp/wet filthy/dirty correct/right ancient/old nearly/almost
    often/frequently perhaps/maybe
""")

RHYMES = paired("""
    cat/hat boat/goat light/night sea/tree bread/red hill/mill book/hook rain/train bell/well moon/spoon star/jar
    snow/blow fish/dish door/floor stone/bone nail/whale king/ring mouse/house cake/lake clock/rock bee/knee hand/sand
    sun/bun day/play cold/gold sheep/deep fox/box
""")

LISTS = {
    "three tools": "hammer, saw, axe",
    "three animals on a farm": "cow, goat, hen",
    "three fruits": "apple, pear, plum",
    "three colours": "red, blue, green",
    "the four seasons": "spring, summer, autumn, winter",
    "the days of the weekend": "Saturday, Sunday",
    "three things in a school bag": "book, pencil, ruler",
    "three vegetables": "carrot, onion, cabbage",
    "three parts of a house": "roof, door, window",
    "three parts of a plant": "root, stem, leaf",
    "three things that float": "cork, leaf, boat",
    "three things that give light": "sun, lamp, candle",
    "three kinds of weather": "rain, snow, fog",
    "three birds": "gull, owl, duck",
    "three trees": "oak, willow, walnut",
    "three people of Marren": "Olga Penn, Bram Tolly, Ada Brook",
    "three things that a baker needs": "flour, water, yeast",
    "three drinks": "water, milk, tea",
    "three things with wheels": "cart, bus, bicycle",
    "three parts of the body": "head, arm, foot",
    "the four directions of the map": "north, east, south, west",
    "three metals": "iron, copper, tin",
    "three things made of wood": "table, chair, boat",
    "three insects": "bee, ant, fly",
    "the vowels of the alphabet": "a, e, i, o, u",
}

EXPLANATIONS = {
    "What is a ferry?": "A ferry is a boat that carries people and goods across water.",
    "What is a lighthouse for?": "A lighthouse warns ships of rocks and shows them where they are.",
    "What is a mill?": "A mill is a house with a machine that grinds grain into flour.",
    "What is an orchard?": "An orchard is a garden of fruit trees.",
    "What is a harbour?": "A harbour is a sheltered place where ships can lie safely.",
    "What is a forge?": "A forge is a workshop where metal is heated and hammered into shape.",
    "What is a map?": "A map is a drawing of a place as it is seen from above.",
    "What is a library?": "A library is a place where you can borrow books.",
    "What is a gull?": "A gull is a grey and white bird that lives by the sea.",
    "What is an echo?": "An echo is a sound that comes back to you from a wall or a hill.",
    "What is yeast?": "Yeast is a tiny living thing that eats sugar and makes dough rise.",
    "What is a barometer?": "A barometer is an instrument that measures the weight of the air.",
    "What is a wick?": "A wick is the string in a candle that carries the wax to the flame.",
    "What is a sledge?": "A sledge is a vehicle on runners that slides over snow.",
    "What is a paddle?": "A paddle is a flat board that pushes water or is pushed by it.",
    "What is a timetable?": "A timetable is a list of the times when buses or trains leave.",
    "What is fog?": "Fog is a cloud that lies on the ground.",
    "What is a miller?": "A miller is a person who grinds grain into flour.",
    "What is a shepherd?": "A shepherd is a person who looks after sheep.",
    "What is a librarian?": "A librarian is a person who looks after the books of a library.",
    "Why does bread have holes?": "Every hole in bread was a bubble of gas that the yeast breathed out.",
    "Why does a river bend?": "The water rubs away the outer bank and puts down sand on the inner bank.",
    "Why do we count in tens?": "We count in tens because we have ten fingers.",
    "Why does a boat float?": "A boat floats because it pushes aside water that weighs as much as itself.",
    "Why do we have tides?": "We have tides because the Moon pulls at the water of the sea.",
    "Why does a saw have bent teeth?": "The bent teeth make the cut wider than the blade, so the saw does not stick.",
    "Why is a hammer long?": "The long handle makes the heavy end move faster than the hand.",
    "Why does a candle need a wick?": "The wick carries the melted wax up to the flame.",
    "Why does a root grow down?": "A root grows down because it feels its own weight.",
    "Why do people tell the bees the news?": "It is an old custom, so that the bees are not hurt and do not fly away.",
    "How do you make bread?": "Mix flour, water and yeast, let the dough rise, and bake it in the oven.",
    "How do you light a candle?": "Hold a lighted match to the wick until it burns.",
    "How do you borrow a book?": "Choose a book, take it to the desk, and bring it back in time.",
    "How do you listen well?": "Be quiet, hear what is said, and wait before you answer.",
    "How do you ask a good question?": "Keep it small, and ask the person who does the thing.",
    "How do you make tea?": "Boil the water, pour it on the tea, and wait for a few minutes.",
}

FIRST_SENTENCES = {
    "a lighthouse": "The light went round all night, and not one ship came near the rock.",
    "a goat": "The goat looked at the letter and thought that it would make a good breakfast.",
    "a bakery": "At three in the morning the only warm place in the village was the bakery.",
    "a lost key": "The key was not in the door, and it was not under the mat.",
    "a storm": "The wind came first, and the rain ran after it.",
    "a slow donkey": "The donkey set out on Monday and was expected on Tuesday.",
    "a new school": "On the first morning I did not know one name.",
    "an old clock": "The clock in the hall had been five minutes late for eighty years.",
    "a market": "By eight in the morning the square was full of voices and carrots.",
    "a boat": "The boat had been blue for so long that the sea knew it.",
    "snow": "In the night somebody had taken the village away and left a white one.",
    "a library": "The book had been waiting on the shelf for somebody just like her.",
    "a kite": "The kite pulled at the string as if it had seen a friend up there.",
    "a dog": "The dog knew what was in the bag, and he sat on it.",
    "the moon": "The moon came up behind the hill like a plate out of warm water.",
    "a bridge": "Nobody crossed the bridge without shouting a name.",
}

LETTER_LINES = {
    "thanks somebody for a present": "Thank you very much for the lovely present.",
    "invites a friend to tea": "Would you like to come to tea on Sunday?",
    "says sorry for being late": "I am sorry that I was late this morning.",
    "wishes somebody a happy birthday": "I wish you a very happy birthday.",
    "asks for the time of the bus": "Could you please tell me when the bus leaves?",
    "says good night to a child": "Good night, and sleep well.",
    "asks a neighbour for eggs": "Could you please lend me two eggs until Thursday?",
    "tells a teacher that a child is ill": "My son is ill today and cannot come to school.",
    "praises a baker": "Your bread is the best that I have ever eaten.",
    "asks for a book at the library": "Do you have a book about boats?",
    "welcomes a new neighbour": "Welcome to our street, and please call if you need anything.",
    "says goodbye to a guest": "Goodbye, and come back soon.",
}
