"""Templates of messages. A gap like {day} is filled from the list of that name in fillings.py.

Both kinds of message speak of prizes, parcels, money and calls, so that no single word tells them apart.
"""

from village.lists import lines

HAM = lines("""
Are you still coming {when}? I said we'd meet {time} at {place}.
Running late, start without me. Should be at {place} {time}.
Can you pick me up from {place} {time}, {kin}? Forgot my {thing} again
Did you take my {thing}? I can't find it anywhere
I left my {thing} at {place}, could you have a look when you get there?
We need {food} and {food}. Anything else from the shop?
Got the {food}, no {food} left though. Home {time}
Thanks for the {food}! {name} ate all of it
Happy birthday {name}!! Have a lovely day, see you {day}
Can {name} come over {day}? They want to practise for the {event}
The {event} is moved to {day}, please tell {name}
How was the {event}? Tell me everything, call me {time}
{name} won a prize at the {event}!! We are so proud
Guess what, I won {sum} in the raffle at the {event}. Cakes are on me
Sorry I missed your call, I was in a meeting. Ring you {time}?
Call me when you get this, nothing bad, just news about {name}
Urgent: do we have any {food} left? Guests {time}!
I owe you {sum} for the tickets, will pay you back {when}
Can you lend me {sum} until {day}? The machine ate my card
Paid the plumber, he wanted {sum} cash. Kitchen is dry now
Your parcel came, I put it behind the {thing} in the hall
The postman left a card, parcel for you at {place}. Take your passport
This is {name} from {place}, your {thing} is mended and ready to collect. It comes to {sum}
Reminder: your appointment with Doctor Amal is {when} {time}. Reply if you cannot come
Library: the book you asked for is here. We keep it for you until {day}
School closed {day} because of the snow. Sledges welcome
Bus is not running, walking to {place} now. Save me a seat
Free {when}? {name} has two spare tickets for the {event}
I'm free {time} if you want to talk about it
Who is bringing the {thing} to the {event}? I can do {food}
Tell {kin} I'm fine, the train is just slow. Home {time}
Told {name} about {day}. She says yes if there is {food}
Just saw {name} at {place} with the dog, both soaked
Can't talk now, in the library. Text me
Good luck with the {event} {day}!! You will be great
New number, it's {name}. Old phone fell in the harbour. Save this one please
My new number is {phone}, delete the old one. {name}
{name}'s number is {phone}, she does the {event} this year
Do you have the number of the man who mends {thing}s? Ours is broken
Offer still stands, you can have the {thing} for {sum}
They had an offer on {food}, so now we have far too much
Won't make it {day}, {name} has a fever. Have fun at the {event}
Great news, I got the job! Start {when}, {sum} a week more than before
Bank shuts {time}, can you pay in the {sum} for the {event}?
I won't win but I'll enter the {event} anyway. You?
Please reply to {name} about {day}, she has asked three times
What's the code for the door at {place}? Standing here in the rain
Your account of the {event} was hilarious, {kin} laughed until she cried
Last chance to see the boats before they go in for the winter, {day} {time}?
Click on the photo {name} sent, you can see our house!
Have you claimed the train money back yet? They owe us {sum}
Limited space in the car, so only one {thing} each please
Congratulations on the new baby from all of us at {place}!
Can you check if I locked the door? I am already at {place}
No hurry with the {sum}, whenever you can
Dinner {time}? {name} is making soup
I'm at {place}. Where are you?
Haha, {name} fell asleep at the {event} again
What did {kin} say about {day}?
It's raining here, bring your {thing}
ok see you at {place} {time}
Don't forget the {event} {day}, and the {thing} please
Miss you. {place} is not the same without you
{name} asked for you today. Will you come {day}?
Meeting {day} is moved, now {time}, same room
Got your message. Yes to {food}, no to the {thing}
The photos of the {event} are up: {page}
Here is the list for the {event}, put your name down at {page}
Recipe for the {food} thing you liked: {page}
The timetable is on {page}, last bus {time}
Rang the plumber on {phone}, he can come {when}
If nobody is in, call {name} on {phone} and she will open up
Tickets for the {event} from {page} or from {name}, {sum} each
""")

# How a message may begin or end without meaning anything.
HAM_OPENINGS = [*[""] * 6, "Hi {name}! ", "Hey! ", "Hiya! ", "Oh and: ", "{name}! ", "Hello love. ", "Morning! "]
HAM_CLOSINGS = [*[""] * 6, " x", " xx", " :)", " / {name}", " (no rush)", " thx", " ..."]

SPAM = lines("""
You have been chosen to receive {prize}! Call {phone} now to claim
Congratulations, your number has won {jackpot}. Text {word} to {code} before {day}
WINNER! {prize} is waiting for you at {site}
Your entry in the {firm} draw was successful. Collect {jackpot} by calling {phone}, code {letters}
{firm}: we could not deliver your parcel. Pay the fee of £1.99 at {site} to book a new day
Your parcel is held at the depot. Confirm your address and card at {site} by {day}
{firm} alert: your account has been locked. Log in at {site} to restore it
A payment of {jackpot} leaves your account {day}. If this was not you, call {phone} at once
Need money fast? Loans up to {jackpot}, no questions, in your bank {day}. Visit {site}
Bad credit? No problem. {firm} lends {jackpot} today, reply {word}
Last chance! Your points run out {when}. Swap them for {prize} at {site}
You are owed a tax refund of {jackpot}. Fill in the form at {site} to receive it
Free ringtone! Reply {word} to {code}. £3 a week until you send STOP
Someone near you likes you and wants to chat. Find out who, text {word} to {code}, 150p a msg
Work from home and earn {jackpot} a week, no experience needed. Ask us how: {site}
Make {jackpot} a day with our trading robot. {name} did, and left her job. {site}
My phone broke, {kin}, this is my new number. Can you send {sum} for a bill? I will pay you back {day}
It's me, {kin}, I dropped my phone in the sink. Please text me on {phone}, it is urgent
Is this {name}? We met at the {event}. Add me on {site} and see my photos
Sorry {name}, wrong number! But you seem nice. Shall we be friends? I can show you how I earn {jackpot} a week
Your {firm} contract ends {day}. Call {phone} for a free upgrade and {prize}
Have you had an accident? You may be owed {jackpot}. Reply {word} and an expert will ring you
Urgent! We tried to reach you twice about {prize}. Ring {phone} from a landline, 50p a min
Only today: half price on everything at {site}, use the code {letters}
Lucky you: one spin is free at {site}. {jackpot} paid out since noon
Pills from the doctor without the doctor. Cheap and quick, {site}
Your photo is on {site}, {name} sent it to us. Click to see it before {day}
Reply {word} for {prize}. No purchase needed, calls cost 75p
This is {firm}. Someone tried to use your card at {place}. Read us the code that we just sent you, {phone}
The {firm} quiz: which river meets the sea at Marren? Send your answer to {code} and win {prize}
We noticed you have not collected {prize}. It goes to the next person {time}
Valued customer, your bill is unpaid. To stop us cutting your line pay {sum} at {site}
Claim code {letters}: {jackpot} has been set aside in your name. {phone}
You and {name} both qualify for {prize}, but only one can have it. Be first: {site}
I am a widow with {jackpot} and nobody to leave it to, dear friend. Write to me at {site}
Your subscription starts {day} at {sum} a month. To cancel call {phone}
{name} has sent you a private message. Read it at {site}
Good news about your pension! Free review this week, reply {word} or call {phone}
We buy any car for cash {day}. Text the plate to {code}
Your vote counts! Tell us your favourite tune, text {word} to {code} and get {prize}
It is about the loan you asked for. {jackpot} is ready, we only need your bank details
Are you happy with your phone? {firm} gives you {prize} when you switch. Ring {phone}
I have tried to call you about the money. Please get back to me {time}, {phone}
Your computer has sent us a virus warning. Call the {firm} help desk {time} on {phone}
Our agent will be at {place} {when} with your cheque. Confirm your name and date of birth
You won {jackpot}! Claim it at {site}
You have won {prize}. Text {word} to {code}
Free {thing} for the first hundred callers, ring {phone} now
Win {prize} tonight, text {word} to {code}
Get {prize} free at {site}, only {day}
You won! Reply {word} to collect {prize}
Cheap loans, cheap pills, cheap phones: {site}
Earn {jackpot} from your sofa. Start {day} at {site}
Your card is blocked. Call {firm} on {phone}
Your account will be closed {day}, log in at {site}
Final notice: pay {sum} at {site} or we come {day}
Pay {sum} now at {site} and your parcel comes {day}
Claim {prize} before {time}, call {phone}
A free gift for {name}: {prize}. Pick it up at {site}
Dear winner, {jackpot} is yours, send us your bank details
Lonely {when}? Text {word} to {code} and chat, 150p a msg
Hot offer: {prize} for {sum} at {site}
{firm} gives away {prize} {when}, enter at {site}
Your {thing} could win {jackpot}, send a photo to {code}
Double your {sum} by {day}, guaranteed, {site}
Chosen at random: you and {prize}. Call {phone}
Unlock {prize} with code {letters} at {site}
""")

SPAM_OPENINGS = [*[""] * 6, "Hi! ", "Hi {name}! ", "Hello. ", "Dear {name}! ", "URGENT: ", "Good news! ", "Hey! "]
SPAM_CLOSINGS = [*[""] * 6, " !!", " (T&Cs apply)", " [{letters}]", " thx", " x", " - STOP to end", " - hurry"]

# Short forms of text messages; each is used in some messages, of either kind.
SHORT_FORMS = [
    ("see you", "c u"),
    ("you are", "ur"),
    ("your", "ur"),
    ("you", "u"),
    ("please", "pls"),
    ("tomorrow", "tmrw"),
    ("tonight", "2nite"),
    ("for", "4"),
    ("Thanks", "thx"),
    ("message", "msg"),
    ("and", "&"),
    ("are", "r"),
]
