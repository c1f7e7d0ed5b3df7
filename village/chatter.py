"""Ordinary messages, written by hand, one on each line: what people send each other when nothing is for sale."""

from village.lists import lines

CHATTER = lines("""
Did you see the moon just now? Go and look, quick
The goat got into the church again. You'd better come
lol no that was the other Walter
ok
I'm on the bus and there's a hen on the seat next to me
Be honest, is it too early for cake?
Told you it would float
Nobody is cross with you. Come home, supper is warm
Can't sleep. Are you awake?
Tide's out, bring the bucket
Yes but which bridge
It was the butler... no wait, wrong story. It was the cat
The doctor says it's only a sprain. I get to sit down for a week!
Do you remember the name of that song, the one with the whale
Left at the forge, right at the walnut tree, then ask anyone
He said yes!!!
Your turn to feed Captain. He says he hasn't eaten, he is lying
sorry sorry sorry I overslept
Kettle's on
My battery is at 2 percent so if I go quiet that's why
How do you spell receive
i before e, except when it isn't
Grandmother's recipe says a handful. Whose hand though
Fog so thick I said good morning to a lamp post
The dentist was fine. I was very brave. I want a sticker
We have named the snowman after you
Where is the good knife
Have you eaten? There's soup
Mum says stop growing, she only just bought those shoes
I think I left the oven on. No, I didn't. No, I did
The clock in the hall is right for once, write it down
Band practice is off, the drummer has lost his drum
That's the third umbrella this month
I read your story. I cried at the bit with the kettle
Can we talk later? Not a bad talk. A nice one
No signal at the lighthouse, so don't worry if you hear nothing till Sunday
It's a girl! Everyone is well and very tired
Wear the green one
We're all in the garden, just come round the back
I counted them twice and there are twenty-four. We only have twenty-three children
Could you tell Miss Finch he has a cold and has lost his voice? He is enjoying it
First strawberries today, saved you four. Three. Two
Guess who is asleep in the flour again
The exam was awful but the sandwich afterwards was great
You were right about the blue. Don't let it go to your head
Are we still friends? I was an idiot yesterday
Of course we are. You were, though
Got on the wrong train. It's a nice train. See you in an hour and a half
I can hear you laughing from across the street
Please don't send any more pictures of the beetle, I'm eating
Thinking of you today. No need to write back
Seven o'clock is fine, eight would be finer
Nets are mended, tell the men they can go out
It snowed!! Get up get up get up
How much is a stamp these days
Never mind, I found it, it was on my head
You forgot your sandwiches so I ate them. You're welcome
Is it bring a bottle or bring a chair
Granddad has discovered emojis. I apologise in advance
Let's not tell anyone yet
I'd like to come but I've promised to help with the apples
Running across the bridge now, hold the bus!
She's home. Doctor says rest. She says nonsense
Choir at seven. The tenors have to bring biscuits, we lost the bet
Our team came last and it was the best day ever
There's a rainbow over Gull Rock, both ends in the sea
What shall I do with forty left shoes
Don't buy bread, Olga gave us two loaves for carrying the sacks
I'm behind you
Behind you where
The one waving. With the ladder
He's nearly two and his favourite word is no
Missed the ferry. Bram waved. He could have waited, but he waved so nicely
That film was long enough to grow a beard in
Did you water the beans or did it rain in the kitchen
Half the class has hiccups and nobody knows why
I have the tickets, you have the snacks, what could go wrong
I forgot the tickets
Bring a torch, the lamps on Long Street are out
Sam wants to know if fish sleep. I said I'd ask you
They sleep with their eyes open. Like Captain
Late again, owe Mr. Moss another song
It's your cousin, not an emergency, just bored
Home safe
We moved the sofa and found three pens, a fork and the remote
Do you want the window seat or the one with the heater
I can't, I've got a donkey on my foot. Literally
Well done today. I saw you
My fault, I read the map upside down
Two sugars. No, three. It's been that sort of day
Anyone else awake at three? Apart from the baker
The chimney sweep is here and the cat is white, everything is the wrong way round
Remind me never to play cards with your mother
I'll be the one with the red bicycle
Thank you for listening last night. It helped
You can keep the coat, it suits you better
Lost the race, won the picnic
Is the water warm? Be truthful
It is warm once you are in. Everyone always says that
Tell me when you've landed
The first tomato is ripe. Ceremony at noon
Quiet evening here. The clock and me
Change of plan: not the beach, the attic
Somebody left a cabbage on our doorstep with a bite in it. Any idea?
I'm so sorry about your dog. He was the best of dogs
Nothing much, just wanted to say hello
Your singing has been requested for the wedding. I said you'd be delighted
Put the phone down and look out of the window
""")
