# SPDX-License-Identifier: MIT
"""Fillings of the patterns in scout_docs_prompts.py: alternatives between bars, or one a line where they hold bars. Passages
are of many kinds, since a text that is pasted first has to be told from what its writer says himself by its beginning."""
from scout_code_slots import lines

SLOTS = {
    "short": """hello, my friend|good morning|where is the station|I love you|see you tomorrow|the bill, please|thank
        you|happy birthday|what time is it|my name is Paul""",
    "number": "3|5|7|10|12|20|30|50|100|150|200",
    "doc": """article|text|paragraph|email|passage|report|essay|story|letter|document|conversation|meeting notes|review|abstract
        |transcript|press release|contract|chapter|blog post|statement|speech|paper|news item|paragraphs|interview|lecture notes|cover letter
        |cv|memo|excerpt|dialogue|poem|clause|thread|chat|product description|tweet|job posting|policy|minutes|page|quote|instructions|proposal""",
    "tongue": "French|Spanish|German|English|Italian|Chinese|Japanese|Portuguese|Hindi|Arabic|Russian|Dutch|Korean|Polish|Swedish|Turkish|Latin|plain English",
    "tone": """formal|polite|friendly|concise|professional|persuasive|natural|angry|casual|clear|academic|confident|diplomatic|like a native speaker|direct
        |readable|engaging""",
    "field": """names|dates|prices|email addresses|key points|action items|locations|main arguments|people mentioned|phone numbers
        |organisations|technical terms|deadlines|product names|quotes|numbers|claims|ingredients|skills|places|adjectives|verbs|proper nouns
        |events|keywords|companies|decisions|symptoms|facts|opinions|job titles|amounts of money|open questions|grammar mistakes|typos""",
    "classes": """positive or negative|spam or not spam|urgent or not urgent|sports, politics or business|fact or opinion|formal or
        informal|positive, neutral or negative|a question or a complaint|true, false or unclear|happy, sad or angry|toxic or harmless|sarcastic or
        serious|supported or refuted|relevant or irrelevant|biased or neutral|world, sports, business or technology|grammatical or not""",
    "theme": """the merger|the protagonist's childhood|the budget|climate policy|the new bridge|the patient|the refund policy|the experiment|the king's death
        |the side effects|working hours|Lollapalooza|the second world war|the river's source|the team's last season|data protection|the festival
        |the company's history|payment terms|the accident|the author's method|the Amazon|the invention of paper|the remote control design""",
    "claim": """the contract ends in June|the bridge was closed|the author supports the law|sales went up|the patient recovered|she left before noon
        |the drug is safe|Anna agreed with Tom|prices fell in May|the museum is free on Sundays|the team won at home|nobody was injured""",
    "docq": """What is this text about?|What is the main idea?|What is the main idea of the passage?|Who is the narrator?|who are the people mentioned
        |Where does the story take place?|where does it take place|Why did the author write this?|What does the author think about {theme}?|What
        does the text say about {theme}?|what does it say about {theme}|What did the speaker say about {theme}?|What did they decide about
        {theme}?|Why did the manager disagree about {theme}?|Summarize the discussion about {theme}.|Summarize what was said about {theme}|Summarize the
        meeting.|What were the arguments against {theme}?|What was agreed on {theme}?|List the {field}|list all {field} mentioned|extract the {field}
        |Which {field} are mentioned?|Who is responsible for {theme}?|According to the author, what caused {theme}?|According to the
        passage, why was {theme} important?|What can be inferred about {theme}?|What happens at the end?|What is the tone of the second
        paragraph?|Summarize the above|Summarise the last paragraph|Which clause covers {theme}?|how long is the notice period|What is the total
        amount?|When is the deadline?|Is it true that {claim}?|Does it say that {claim}?|Find the sentence about {theme}|Explain the third
        sentence|What does "it" in line 2 refer to?|What is the best title for this passage?|who wrote this letter and why|Summarise it in three
        sentences|What problem does the paper solve?|How did the character feel about {theme}?|what did the customer complain about|What are the key
        takeaways?|what are the next steps they agreed on|Write three questions about it|Which event happened first?|How many people were
        interviewed?|What does the writer compare it to?|Tell me what is wrong with it|What information is missing?|summarize what each person
        said|What did the doctor recommend to the patient?|what was the company's revenue|Why was the project delayed?|What evidence is given for
        {theme}?|Answer in one word: who was elected?|Give a one-line summary""",
    "compq": """Who led the expedition?|What year did it open?|When did construction begin?|Why did she leave the house?|How many people live there?|Who was blamed?|What
        did Paul give to Maria?|Which river is mentioned?|Where was he born?|What was the result?|How much did it cost?|Why was the old bridge closed?|What is
        the capital of the region?|Who opposed the law?|what is it made of|When did they meet again?|What did the researchers find?|how long did it last|Where do
        they live?|What made him angry?|Which team won?|What else was produced there?|Who took over after his death?|What percentage voted against?""",
    "tableq": """Which row has the highest value?|what is the total|What is the average?|Who is the oldest?|How many are there?|which one is the cheapest|sort by
        price|Sort this by date|convert to csv|Convert this table to JSON|turn this into a sentence|Which values are missing?|add a column with the
        sum|What is the trend?|plot the numbers as text|Summarise this table|Which month was the best?|find duplicates|how much did we spend on food
        |What percentage is in the first group?|rank them|which region shrank|List the names only|make this a markdown table|describe this data|Compare the
        two years|group by city|what stands out here""",
    "table": lines(r"""
Name | Age | City\nAnna | 31 | Oslo\nBen | 45 | Lima\nCara | 28 | Cairo
month,sales,returns\nJan,120,4\nFeb,98,7\nMar,143,2
id\tproduct\tprice\n1\tlamp\t24.90\n2\tchair\t79.00\n3\tdesk\t210.00
- milk 2 l\n- flour 500 g\n- eggs 6\n- sugar 200 g
| Team | Won | Lost |\n|---|---|---|\n| Reds | 12 | 3 |\n| Blues | 9 | 6 |
Date: 3 May\nAmount: 45.20\nPaid by: card\nShop: Green Grocer
country;population;area\nNorway;5400000;385207\nPeru;33000000;1285216
{"guest": "Lee", "nights": 3, "breakfast": true, "price": 240}
Year,Visitors\n2017,12040\n2018,13150\n2019,15020\n2020,2100
City          Jan   Jul\nOslo          -4    18\nMadrid         6    26
Student,Maths,History\nLena,78,91\nOmar,85,70\nYuki,92,88
| Item | Qty | Price |\n|------|-----|-------|\n| Bolt | 40 | 0.12 |\n| Nut | 40 | 0.09 |
Rent 950\nFood 320\nTransport 80\nSavings 150
[{"name": "Ina", "age": 29}, {"name": "Tom", "age": 44}]
Order No. 4471\nItem: kettle\nQty: 2\nTotal: 59.80 EUR
1. Too expensive\n2. Love the colours\n3. Crashed twice\n4. Delivery was late
Player  Goals  Assists\nDiaz  12  4\nKwon  9  11
Region,2021,2022\nNorth,34,41\nSouth,29,22
Employee\tDept\tSalary\nR. Shah\tIT\t52000\nM. Cole\tOps\t39500
08:15 Lisbon - Porto 11:04\n09:15 Lisbon - Porto 12:10
Patient: 54 y, male\nBP: 150/95\nTemp: 37.9
Monday: gym, dentist\nTuesday: report due\nWednesday: free
Q1 4.2m\nQ2 4.5m\nQ3 3.9m\nQ4 5.1m
Survey: yes 61%, no 29%, undecided 10%
Column A: price. Column B: rating. Rows: 12.9, 4; 8.5, 3; 20, 5
"title","author","pages"\n"The Lake","M. Rossi",212
"""),
    "dialogue": lines(r"""
Anna: Did you send the slides?\nTom: Not yet, the last chart is missing.\nAnna: We present at ten.\nTom: I know, Julia promised me the numbers by nine.
PM: The remote has to cost less than 25 euros.\nUI: Then we cannot have a screen.\nME: People say that they lose it.\nPM: So a beeper, and no screen.
Customer: My order never arrived.\nAgent: I am sorry to hear that. Could you give me the number?\nCustomer: It is 4471.
[18:02] kim: i got the cake\n[18:03] leo: cool then i do music\n[18:05] kim: and i booked the hall btw
Interviewer: When did you start to paint?\nMs Duarte: At six, on my father's invoices.\nInterviewer: Was he angry?
Chair: Good morning, and welcome to the committee. We have apologies from Councillor Reid.\nMr Jones: Thank you, Chair. I would like to begin with the school budget.
Dr. Lowe: How long have you had the cough?\nPatient: About three weeks, mostly at night.
Speaker 1: okay so um what about the font\nSpeaker 2: yeah i think we said bigger\nSpeaker 1: right
Mum: are you coming on sunday?\nLisa: only if dad cooks\nMum: he will, lamb
A: Is this seat taken?\nB: No, please.\nA: The train is always full on Fridays.
Professor: We looked at the microphones yesterday. {pause} The far one is noisy.\nPhD student: I can filter that.
Host: Our guest has crossed the Atlantic in a bathtub.\nGuest: Twice, actually.
"""),
    "mail": lines(r"""
Dear team,\n\nthe delivery planned for 14 March will be late by a week because the supplier in Gdansk has no more steel. Please tell your customers today.\n\nBest regards,\nPaul Winter
Hi Sandra,\n\nthanks for the quick call yesterday. As discussed we would need the samples before the 12th. Could you also confirm who pays customs?\n\nBest, Jürgen
Dear Mr Osei,\n\nwe regret to inform you that your application was not successful this time.
Subject: Kitchen\n\nHey all, just a reminder (again) that the kitchen is not going to clean itself.
From: accounts@example.com\nTo: Lena Park\nSubject: Overdue invoice 3312\n\nAccording to our records the above invoice is now 30 days overdue.
Hello Ms Grant,\n\nI am writing to complain about the washing machine which I bought from you in April.
Dear Sir or Madam,\n\nI am writing to apply for the position of junior analyst. I have always been passionate about data.
Dear residents,\n\nthe water will be turned off on Thursday between nine and noon.
Hi everyone,\n\nplease find below the notes of yesterday's meeting. Let me know if I forgot something.\n\nMia
Dear Professor Lind,\n\nI was ill last week and could not hand in the exercise. May I send it by Friday?
To whom it may concern,\n\nMs Ito has worked for us since 2015 and leaves at her own request.
"""),
    "sentence": lines(r"""
The weather was so bad that the ferry did not leave.
I has went to the market yesterday.
Our new phone lasts two days without charging.
She told him that she would never come back.
The waiter forgot our order twice, and nobody said sorry.
Prices rose by three percent in May.
A man is playing the violin in the street.
The company denied that it knew about the leak.
He don't like neither of the movies.
The children were asleep before the story ended.
Nobody at the office had seen the letter.
The keys are under the mat.
Their going to announce the winners tommorow at noon.
Arrived two days late but the headphones themselves are superb.
Every student in the class passed the exam.
Two dogs run across a snowy field.
the film was slow but the ending made me cry
Your parcel could not be delivered, click here to pay the fee.
The cat slept on a warm red cushion near the stove.
We was not able to attend the meeting due to unforeseen circumstances.
Stocks closed lower on Friday after weak job data.
The old bridge will be closed to traffic from June.
Worst customer service I have ever experienced.
The committee have decided to postpone it's decision.
A woman in a blue coat is reading a newspaper.
I have asked you four times now and you still haven't sent it.
La vie est belle quand on a du temps.
Der Zug nach Hamburg hat heute zwanzig Minuten Verspätung.
If I would have known, I would of come earlier.
The supplier shall deliver the goods within thirty days.
"""),
    "where": """northern Italy|Gujarat|the north of England|Ontario|southern Chile|Bavaria|the Balkans|western Kenya|Ohio|Anatolia|Normandy|New South Wales|the Andes
        |Silesia|Minnesota|the Baltic Sea|Catalonia|Hokkaido""",
    "name": """Ellen Marsh|Viktor Holm|Rosa Delgado|Samuel Okoro|Ingrid Vale|Tomás Rivera|Arthur Penn|Leila Haddad|John Carrow|Mina Sato|Edward Thorne
        |Clara Voss|Daniel Osei|Pavel Novak|Ruth Abrams""",
    "surname": "Marsh|Holm|Delgado|Okoro|Vale|Rivera|Thorne|Haddad|Carrow|Sato|Voss|Novak|Lindqvist|Ferro|Whitby",
    "firm": "Halvorsen Marine|Brightwell Foods|Ostara Energy|the Leeds Tram Company|Norvik Bank|Calder Steel|Pinnacle Airlines|the Regional Museum|Tern Software|Alba Motors",
    "year": "1066|1284|1492|1789|1815|1851|1912|1938|1969|1974|1997|2004|2011|2019",
    "trade": "painter|engineer|composer|botanist|politician|footballer|novelist|chemist|bishop|architect|admiral|journalist|mathematician|singer",
    "creature": "otter|barn owl|river dolphin|snow leopard|honey bee|monarch butterfly|grey wolf|giant squid|mountain hare|emperor penguin|red oak|lichen",
    "substance": "glass|copper|silk|paper|cement|penicillin|cocoa|rubber|salt|gunpowder|porcelain|linen",
    "passage": lines(r"""
The town council met on Monday to decide about the old swimming pool. After two hours of debate, eleven members voted to close it in spring and to build a new one beside the school. Mayor Helen Ortiz said the repairs would have cost more than a new building. Several residents left the meeting in protest.
Otters keep warm without a layer of fat. Their fur is the densest of any animal, with up to a million hairs on a patch the size of a stamp, and it traps air when they groom it. Scientists found that oil spills are so deadly to them because oil mats the fur and the cold water reaches the skin.
Dear team,\n\nthe delivery planned for 14 March will be late by a week because the supplier in Gdansk has no more steel. Please tell your customers today. Anna will call the three largest ones herself. The invoice of 4,300 euros stays open until then.\n\nBest regards,\nPaul Winter
Anna: Did you send the slides?\nTom: Not yet, the last chart is missing.\nAnna: We present at ten.\nTom: I know, Julia promised me the numbers by nine.\nAnna: Fine, then I will open with the budget.
The hotel was clean and close to the station, but the room was loud and the breakfast was cold. When we complained, the woman at the desk was friendly and gave us a voucher. We would come back only for the view.
This agreement begins on 1 June 2021 and ends after two years unless one of the parties gives notice three months before. The tenant pays 780 pounds on the first day of each month. Pets are allowed with written permission. The landlord repairs what is not broken by the tenant.
Maria put the letter back into the drawer and listened. The steps on the stairs had stopped. For a while there was nothing but the rain on the roof; then somebody knocked, twice, softly, as if the house were full of sleeping children.
Glass is made by melting sand with soda and lime at about 1,500 degrees. In the Middle Ages, Venetian workers on the island of Murano kept their recipes secret, and those who left could be punished. Today most window glass floats on a bath of liquid tin while it cools.
Researchers asked 1,200 adults how often they walk. Those who walked more than four kilometres a day reported better sleep, but the effect disappeared when age was taken into account. The authors warn against drawing conclusions for patients.
{name} ({year}-{year}) was {a German/an English/a French/an American/a Polish/an Indian/a Brazilian} {trade} who is best known for {his/her} {work/studies/paintings/letters} on {substance}. Born in {where}, {he/she} moved to the capital in {year}.
The {Battle/Treaty/Siege/Council/Kingdom/University/Port/Diocese} of {surname} {was fought/was signed/took place/was founded/was established} {in/in the spring of} {year}, when {the army of/the duke of/merchants from} {where} {crossed the river/rebelled/arrived}. It {ended/lasted/began} after {three/seven/ten} years.
The {creature} is a {large/small/rare/common} {species/mammal/animal/inhabitant} {native to/found in/that lives in} {where}. It {feeds on/lives near/is known for} {fish/mosses/its call/cold water}, and its numbers {have fallen/have risen} since {year}.
{where} is {a region/the largest province/a historical area/a popular destination} {in the south of the country/with a population of two million/known for its lakes}. Its economy {depends on/is based on} {substance}, {tourism/farming/fishing} and {timber/shipping}.
In {year}, {the government/the city council/a group of students/the king/scientists/workers} {decided to/began to/refused to/agreed to} {build a canal/leave the union/close the mine/study the {creature}/sell {substance}}. {The plan/This decision/The project} {was controversial/failed/took ten years}, and {name} {resigned/was blamed/became famous}.
During the {Middle Ages/nineteenth century/1920s/Ming dynasty/war/reign of Elizabeth I/Bronze Age}, {the production of {substance}/most of the land/trade with {where}/the number of monasteries} {grew rapidly/belonged to the church/was forbidden/declined}. Historians {disagree about/have studied} the reasons.
{Researchers/Scientists/A team/Economists/Doctors} {at/from} {the university of {surname}/{firm}/two institutes} {have found/report/asked 1,200 adults/followed 600 workers/showed} {that sleep improves memory/how the {creature} migrates/a new way to make {substance}/no link between diet and mood}. The {study/results/findings}, published on Monday, {may change/do not prove/suggest} {treatment/the cause/more}.
{LONDON/OSLO/NEW DELHI/WASHINGTON/NAIROBI/TORONTO} {- /(Wire) - /: }{Shares of/A spokesman for/Workers at/The head of/Police and} {firm} {fell/said/confirmed/announced/denied} on {Tuesday/Friday/Sunday} {that two hundred jobs would be cut/after weak results/that the merger had failed/that nobody was hurt}.
{The town council/The prime minister/A retired postman/The court/The hospital/The union/A fire/An earthquake/The festival/The mayor} {of {where}/in {where}/} {met on Monday/said on Thursday/has walked the length of the country/ruled on Friday/will close in spring/destroyed a warehouse/has been cancelled}. {Several residents/Witnesses/Critics/Officials} {left in protest/said that they heard a bang/called it a scandal/welcomed the news}.
{name} {put the letter back/opened the door/walked along the shore/had three brothers/took the early bus/never liked the house/was born in a village/stood at the window/found the old map} {and/because/while/when} {the rain/nobody/her mother/the stranger/the car} {had stopped/answered/would not start/called/was watching}. {He/She} {listened/waited/smiled/remembered the summer/said nothing}.
{name}'s {mother/boss/neighbour/best friend/dog} {was ill/wanted to move/had lost the keys/was waiting at the station}. {So/Therefore/Because of that} {he/she} {took a taxi/stayed at home/asked {name} for help/cancelled the party}.
{This/The} {agreement/contract/lease/policy/licence/warranty} {is made between/begins on/applies to/is governed by/may be terminated by/covers} {firm}{/ and the customer/ and {name}} {on 1 June {year}/and ends after two years/with three months' notice/unless stated otherwise}. The {tenant/party/buyer/supplier/insured} {shall/must/may not} {pay/notify/return/assign} {the amount due/the other party/the goods/this agreement} {in writing/within thirty days}.
{1./4.1/Section 2./Article 5/§ 3/Clause 7} {Payment/Repairs/Termination/Liability/Scope/Confidentiality}{. / - }{The tenant/The supplier/Each party/The employee} shall {keep/deliver/pay/treat} {the premises clean/the goods/all invoices/the information} {within fourteen days/at its own cost/as confidential}.
{We/This paper/This article/The present study/Here we} {propose/presents/investigates/examines/show/introduce} {a new method for/the effect of/how to measure/a model of} {substance/sleep/text classification/river ice/migration/inequality}{. /, using }{data from/a sample of/experiments with} {where/1,200 patients/three species}. {Results/Our results/Experiments} {indicate/show} {a significant improvement/no effect/a clear trend}.
{Background/Objective/Abstract/Introduction/Methods}: {The prevalence of/Little is known about/Previous work on/We measured} {diabetes/{substance}/the {creature}/reading in children} {has risen/in {where}/is limited/in 84 subjects}.
{Glass/Copper/Paper/Bread/Steel/Soap/Cheese/Silk/Tea} {is made/is produced/was first used/has been known} {by melting/from/in/since} {sand/wood/milk/{where}/the leaves/{year}} {and then/before it/where it} {cools/is pressed/was sold/is stored}. {The process/This method/It} {requires/needs/changed} {great heat/water/little energy}.
{The hotel/The restaurant/The blender/This vacuum cleaner/The book/The film/The phone/The battery/Service/The room} {was clean/was fantastic/stopped working after two weeks/is worth every penny/arrived broken/is slow/is too long/lasts a day}{ and / but }{the staff were friendly/the food was cold/nobody answered/the sound is great/I would not buy it again/we would come back}. {Three/Five/Two} stars.
{Bought this/Great/Terrible/Do not buy/Best/Very disappointed with this/Five stars for this/Overpriced} {blender/product/place/book/hotel/app}{ for my kitchen/, /. }{it works fine for smoothies/it broke in a week/staff rude and food cold/highly recommended/would buy again/waste of money}.
{I left my coat/The river sings/Oh the winter/There is a light/Tell her/The hills are dark/She walks} {on a midnight train/under the bridge tonight/came down like snow/I don't miss her at all/in the harbour town/and the bells are slow}\n{and my name/the stars/nobody/the wind/and all the roads} {on a station wall/fall one by one/knows my song/has gone/lead home}
{Ingredients/You will need}: {200 g flour, 3 eggs, 250 ml milk/2 onions, 1 kg tomatoes, basil/400 g chickpeas, tahini, lemon}. {Whisk/Chop/Mix/Heat} {and rest 30 minutes/everything/gently}, {fry in butter/serve cold/bake for an hour}.
{name}\n{Experience/Work experience/Profile/Summary}: {2015-2019/2019 to present/five years} {deck engineer/nurse/sales manager/teacher/accountant} at {firm}. {Skills/Education}: {Excel, driving licence/MSc Biology/fluent Spanish}.
{name} joined {firm} as {a clerk/an engineer/chief executive/a trainee} in {year} and {moved to/left for/now runs} {the Bergen office/the sales team/a rival}.
{Meeting notes/Minutes/Notes/Agenda} {of the board/3 May/team call/}{: / - }{start 10ish, anna late/present: {surname}, {surname}, {surname}/budget approved/new logo, no decision}{. /; }{next meeting 4th/{surname} will call the printer/action: {surname} to send figures}.
{Our Q3 numbers/Revenue/Net sales/Turnover/Operating profit/Costs} {came in slightly under plan/rose 4 percent to 2.1 billion/fell in {where}/was flat}{. /, }{mostly because/as/although} {a contract slipped to October/prices went up/we hired four people}. {The board/Management} {expects/proposes} {a recovery/a dividend of 0.40}.
{Visitors/Members/Passengers/Students/Guests/Employees} {may/must/are asked to/can} {enter from 9:00 to 17:00/show a ticket/leave bags at the desk/return books within two weeks/report accidents}. {The last admission is/Dogs are/Refunds are/Late fees are} {at 16:15/not allowed/possible/charged}.
{The mitochondrion/The heart/A volcano/The carbon cycle/An enzyme/A transistor/The cell membrane/Erosion/A black hole} is {a/the} {membrane-bound organelle/process/organ/mechanism/region/structure} {found in/by which/that/where} {most cells/rocks wear away/energy is released/nothing can escape}. {It/This} {produces/controls/explains/allows} {most of the energy/the flow of matter/the climate}.
{There are/Many/Some/Most/Few/All} {people/farmers/plants/languages/cities/historians/species} {in {where}/of the region/today/} {believe/depend on/were replaced by/have adapted to/are divided into/speak} {{substance}/two groups/the dry season/a single river/an older form}. {However/In addition/For example/As a result}, {this/they/it} {has changed/differ/is disputed}.
{After/Before/Although/While/Since/Following/Despite} {the death of {name}/the war/the flood of {year}/its independence/a long debate}, {the city/the company/the empire/parliament/the family} {was rebuilt/split in two/moved to {where}/changed the law}{. /, and }{the harbour/trade/its population/its name} {became/remained/grew to} {one of the busiest/unchanged/120,000}.
{Patient/The patient/Pt}{, / is a }{54-year-old man/72 yo female/eight-year-old boy} {presents with/was admitted with/reports} {chest pain/fever and cough/a broken wrist}{ since/ for} {two days/Monday}. {BP 150 over 95/No allergies/ECG normal}.
{School uniforms/Zoos/Smartphones/Exams/Cars in cities/Animal tests} should be {abolished/banned/allowed/free}. {First/Firstly/To begin with}, they {cost too much/do not work/are unfair}. {Second/Moreover/Furthermore}, {pupils/people/experts} {differ/suffer/agree}.
{Breaking/Update/BREAKING/RT}{: / }{{firm} to close/Storm hits {where}/{name} wins the final/Strike at {firm}} {#news/after talks fail/, thousands without power/2-1}
{The moon makes/The sun goes/Plants eat/Napoleon lost/A square has/Water boils} {its own light/around the earth/soil/at {surname}/four corners}. {(Student answer)/Grade this from 1 to 5./Mark my answer.}
{The supplier/The undersigned/The party of the first part/The Licensee/The Company} {shall/hereby} {indemnify and hold harmless/agrees to deliver/grants/warrants} {the other party/the goods/a non-exclusive licence/title}.
{"If you can wait/"To be honest/"Those who cannot remember/"The only thing}, {and not be tired/with a stranger/we learn/the past repeats} ... "{, wrote/ said} {name}.
{name} and {name} {have been married since/grew up in/opened a bakery in/argued about/near} {{where}/money}. {One day/In the end/Last spring} {they/he/she} {sold it/left/discovered} {the house/an old trunk/the truth}.
Once {a farmer/a fox/a poor widow/a king} {who had three sons/met a crow/lived by the sea/lost his ring}{. /, and }{Every morning/One day/So} {he/she} {went to the well/called the judges/said to the moon}: "{Give me back what is mine/Why are you sad/Who will help me}?"
{Directed by/Set in/Starring/Written by} {name}{, /} {the film/this novel/the series} {follows/tells the story of/is about} {a young {trade}/a family in {where}/two sisters} who {discover/lose/must leave} {a secret/their home/each other}.
{The album/The song/The building/The bridge/The line/The station/The ship/The museum/The school/The club} {was released/was designed/opened/was launched/was founded/was renamed} in {year} {by {name}/by {firm}/and closed in {year}/to wide acclaim}. It {reached number four/has two platforms/seats 12,000/carries 40,000 people a day}.
"""),
}
