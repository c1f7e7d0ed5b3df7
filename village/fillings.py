"""The words for the gaps of the message templates.

Telephone numbers are from the ranges reserved for fiction, addresses end in `.example`, and every firm is invented.
"""

from village.lists import listed, phrases

GAPS = {
    "name": listed(
        "Mina Leo Sam Pia Rosa Bram Hanna Teo Olga Jonas Walter Ada Ben Ruth Nora Tariq Yusuf Ivy Carla Dev"
    ),
    "kin": listed("mum dad gran grandad auntie uncle sis"),
    "when": phrases("on Monday; on Tuesday; on Friday; on Sunday; tonight; tomorrow; next week; this weekend"),
    "day": listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday tonight tomorrow"),
    "time": phrases(
        "at six;at half past seven;around 8;at 5.30;after lunch;before ten;at 7pm;at noon;in an hour;in 20 min"
    ),
    "place": phrases(
        "the harbour;the library;the station;the market;school;the bakery;the bus stop;the doctor's;the forge;the bridge"
    ),
    "food": phrases("soup;bread;plum buns;eggs;milk;honey;apples;cake;cheese;onions;fish"),
    "thing": phrases("umbrella;blue coat;charger;library book;kettle;ladder;bike lock;torch;drill;hat;scarf;map"),
    "event": phrases("school play;boat race;concert;dance;fair;quiz;wedding;choir;match;picnic"),
    "sum": phrases("£5;£10;£12;£20;£25;£40;£50;£100;£200"),
    "jackpot": phrases("£500;£750;£900;£1,000;£1,500;£2,000;£5,000;£10,000;£250"),
    "prize": phrases(
        "a weekend in the sun;a new phone;a gift card;a cruise for two;a games console;cash;a tablet;a holiday voucher"
    ),
    "firm": listed("Brightwin Luckyday Novaline Parcelio Quickmoney Sunline Ringbox Primabank Telewave Goldbox"),
    "site": phrases(
        "luckyday.example;claim-now.example;parcel-fee.example;mybank-check.example;win4u.example;fast-cash.example"
        ";ringtones.example;bonus.example/go;secure-login.example;deal-hub.example"
    ),
    "page": phrases(
        "marren-school.example; choir.example; harbour.example/photos; bus.example; recipes.example; library.example"
    ),
    "code": listed("80122 80455 80610 80733 80848 80950 81117 81234"),
    "word": listed("WIN YES GO CLAIM LUCKY PLAY CASH TONE"),
    "phone": [f"07700 900{n:03d}" for n in range(117, 1000, 61)] + [f"020 7946 0{n:03d}" for n in range(103, 1000, 89)],
    "letters": listed("KX7 BT42 QL9 ZR18 MM05 VD63 HP27 WN81"),
}
