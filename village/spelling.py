"""Words that people misspell, and sentences with one such word in them."""

from village.lists import paired

MISSPELLINGS = dict(
    paired("""
    freind/friend recieve/receive beleive/believe peice/piece feild/field theif/thief wierd/weird nieghbour/neighbour
    becuase/because seperate/separate definately/definitely untill/until tommorow/tomorrow begining/beginning
    beautifull/beautiful carefull/careful usefull/useful wonderfull/wonderful helpfull/helpful thankfull/thankful
    runing/running stoping/stopping swiming/swimming geting/getting cuting/cutting
    writting/writing comming/coming bakeing/baking makeing/making rideing/riding takeing/taking haveing/having
    babys/babies citys/cities storys/stories ladys/ladies partys/parties puppys/puppies
    tryed/tried carryed/carried cryed/cried hurryed/hurried droped/dropped stoped/stopped
    nife/knife rist/wrist rong/wrong clim/climb thum/thumb
    dout/doubt iland/island lisen/listen casle/castle wisle/whistle wich/which weel/wheel
    shure/sure sugger/sugar skool/school stomak/stomach ankor/anchor eko/echo fone/phone fotograph/photograph
    enuff/enough laff/laugh coff/cough nite/night fite/fight brite/bright
    thort/thought dauter/daughter
    librery/library febuary/February wensday/Wednesday saterday/Saturday tuseday/Tuesday
    calender/calendar grammer/grammar adress/address acomodation/accommodation necesary/necessary ocasion/occasion
    diffrent/different intresting/interesting favorate/favourite choclate/chocolate vegtable/vegetable
    suprise/surprise goverment/government enviroment/environment probaly/probably
    lettar/letter teachar/teacher bakar/baker farmar/farmer hammar/hammer doctar/doctor docter/doctor
    hav/have giv/give liv/live moov/move hous/house hors/horse peopel/people littel/little tabel/table appel/apple
    kettel/kettle candel/candle bottel/bottle
    """)
)

# Each sentence has a gap for one word; the misspelt words that fit follow it.
SENTENCES = {
    "My {} lives near the bridge.": "freind nieghbour dauter",
    "He ate a {} of bread.": "peice",
    "We were late {} of the fog.": "becuase",
    "The {} of Marren is on School Hill.": "skool",
    "Please {} to the teacher.": "lisen",
    "The {} of Marren has many books.": "librery",
    "I will come back {}.": "tommorow wensday saterday tuseday",
    "She is {} a letter.": "writting geting",
    "The dog is {} along the wall.": "runing comming",
    "Olga is {} plum buns.": "bakeing makeing takeing",
    "The cat {} the cup.": "droped",
    "They {} to find the way.": "tryed",
    "The {} of the mill is made of oak.": "weel",
    "Put the {} on the table.": "nife appel kettel candel bottel lettar hammar vegtable choclate fone",
    "The light was very {}.": "brite beautifull",
    "That was a {} idea.": "wierd usefull wonderfull helpfull diffrent",
    "I {} that it would rain.": "thort",
    "There are many {} in the country.": "citys babys puppys",
    "The {} is by the sea.": "iland casle hous feild",
    "The bell is rung every {}.": "nite wensday saterday",
    "The children are {} in the river.": "swiming",
    "Leo came to the village in {}.": "febuary",
}
