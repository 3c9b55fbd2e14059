"""Ana and Ben with their daughter Mia in Vienna, November 2023 to October 2026.

They rent until the spring of 2025, then buy a flat with a mortgage; both work; they put a little into a fund; in
April 2026 they go to Japan. People, shops and figures are invented.
"""

import datetime
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from financetracker.ledger import money
from financetracker.ledger.demo.plan import (
    DAY,
    AccountPlan,
    Amendment,
    Bill,
    CommodityPlan,
    Dice,
    Habit,
    Household,
    Part,
    Quote,
    Reversal,
    cents,
    month_end,
    month_name,
    working_day,
)

D = Decimal
date = datetime.date

CHECKING = "Assets:Bank:Joint checking"
SAVINGS = "Assets:Bank:Savings"
WALLET = "Assets:Cash:Wallet"
YEN = "Assets:Cash:Yen envelope"
FUND = "Assets:Investments:World fund"
DEPOSIT = "Assets:Rent deposit"
FLAT = "Assets:Flat, Linden Lane 8"
CARD = "Liabilities:Visa card"
MORTGAGE = "Liabilities:Mortgage"
OPENING = "Equity:Opening balances"
GROCERIES = "Expenses:Food:Groceries"
EATING_OUT = "Expenses:Food:Eating out"
HOUSEHOLD = "Expenses:Home:Household goods"
FURNISHING = "Expenses:Home:Furnishing"
PURCHASE = "Expenses:Home:Buying the flat"
INTEREST_PAID = "Expenses:Home:Mortgage interest"
INCOME_TAX = "Expenses:Taxes:Income tax"
SOCIAL = "Expenses:Taxes:Social insurance"
CAPITAL_TAX = "Expenses:Taxes:Tax on capital gains"
FEES = "Expenses:Bank fees"
LODGING = "Expenses:Travel:Lodging"
TRAVEL_FOOD = "Expenses:Travel:Food"
GETTING_AROUND = "Expenses:Travel:Getting around"
SIGHTS = "Expenses:Travel:Sights"
GIFTS = "Expenses:Gifts"

MOVED = date(2025, 4, 1)
PRICE, OWN_MONEY, RATE, YEARS = D(298_000), D(60_000), D("0.0345"), 25
LANDLORD, BANK, BROKER = "Hafner Properties", "Danube Savings Bank", "Plain Broker"

ACCOUNTS = (
    AccountPlan("Assets", "asset", columns={"placeholder": True, "position": 1}),
    AccountPlan("Liabilities", "liability", columns={"placeholder": True, "position": 2}),
    AccountPlan("Income", "income", columns={"placeholder": True, "position": 3}),
    AccountPlan("Expenses", "expense", columns={"placeholder": True, "position": 4}),
    AccountPlan("Equity", "equity", columns={"placeholder": True, "position": 5}),
    AccountPlan(CHECKING, "asset", ("EUR",), {"position": 1, "iban": "AT611904300234573201", "code": "1010"}),
    AccountPlan(SAVINGS, "asset", ("EUR",), {"position": 2, "code": "1020", "notes": "1.5 % a year, quarterly."}),
    AccountPlan(WALLET, "asset", ("EUR",), {"position": 1, "code": "1100"}),
    AccountPlan(YEN, "asset", ("JPY",), {"position": 2, "opened_on": date(2026, 4, 1)}),
    AccountPlan(FUND, "asset", ("WRLD",), {"code": "1200"}),
    AccountPlan(FLAT, "asset", ("EUR",), {"opened_on": MOVED, "code": "1300"}),
    AccountPlan(DEPOSIT, "asset", ("EUR",), {"closed_on": date(2025, 5, 31), "notes": "Three months' rent."}),
    AccountPlan(CARD, "liability", ("EUR",), {"position": 1, "code": "2010", "account_number": "…4417"}),
    AccountPlan(MORTGAGE, "liability", ("EUR",), {"position": 2, "opened_on": MOVED, "code": "2100"}),
    *(
        AccountPlan(f"Income:{name}", "income", ("EUR",))
        for name in (
            "Salary:Ana", "Salary:Ben", "Family allowance", "Interest", "Dividends", "Tax refund", "Gifts",
        )
    ),
    *(
        AccountPlan(name, "expense", ("EUR",))
        for name in (
            GROCERIES, "Expenses:Food:Bakery", "Expenses:Food:Lunch at work", EATING_OUT, "Expenses:Home:Rent",
            INTEREST_PAID, "Expenses:Home:Electricity", "Expenses:Home:Heating", "Expenses:Home:Building charges",
            "Expenses:Home:Internet and phone", HOUSEHOLD, FURNISHING, PURCHASE, "Expenses:Family:Kindergarten",
            "Expenses:Family:Children", "Expenses:Transport:Public transport", "Expenses:Transport:Car",
            "Expenses:Leisure:Culture", "Expenses:Leisure:Sport", "Expenses:Leisure:Books",
            "Expenses:Leisure:Subscriptions", "Expenses:Health", "Expenses:Clothing", GIFTS, "Expenses:Donations",
            "Expenses:Insurance:Household", "Expenses:Insurance:Car", "Expenses:Insurance:Accident", INCOME_TAX,
            SOCIAL, CAPITAL_TAX, "Expenses:Travel:Flights and trains", FEES,
        )
    ),
    *(AccountPlan(name, "expense", ("EUR", "JPY")) for name in (LODGING, TRAVEL_FOOD, GETTING_AROUND, SIGHTS)),
    AccountPlan(OPENING, "equity"),
)  # fmt: skip

BILLS = (
    Bill(1, LANDLORD, "Expenses:Home:Rent", 118_000, "Rent {month}", CHECKING, last=date(2025, 3, 31), rises=28),
    Bill(3, "Linden Lane 8 Owners", "Expenses:Home:Building charges", 24_150, "Charges {month}", CHECKING,
         first=MOVED, rises=30),
    Bill(4, "City Energy", "Expenses:Home:Electricity", 8_640, "Electricity {month}", CHECKING, rises=22,
         code="E-{year}-{month:02}"),
    Bill(5, "District Heating", "Expenses:Home:Heating", 9_380, "Heating {month}", CHECKING, rises=35,
         code="DH {year}/{month:02}"),
    Bill(6, "Kindergarten Löwenzahn", "Expenses:Family:Kindergarten", 31_200, "Mia, {month}", CHECKING,
         months=(1, 2, 3, 4, 5, 6, 9, 10, 11, 12), rises=25),
    Bill(8, "Funkhaus Internet", "Expenses:Home:Internet and phone", 3_990, "Internet {month}", CHECKING),
    Bill(9, "Alpine Mobile", "Expenses:Home:Internet and phone", 1_790, "Mobile Ana", CARD),
    Bill(9, "Alpine Mobile", "Expenses:Home:Internet and phone", 1_290, "Mobile Ben", CARD),
    Bill(11, "Lumen Films", "Expenses:Leisure:Subscriptions", 1_299, "Films {month}", CARD, rises=40),
    Bill(12, "Tonwerk", "Expenses:Leisure:Subscriptions", 1_099, "Music {month}", CARD),
    Bill(14, "The Morning Courier", "Expenses:Leisure:Subscriptions", 2_450, "Newspaper {month}", CHECKING,
         rises=30),
    Bill(15, "Wolkenlager", "Expenses:Leisure:Subscriptions", 299, "Online storage", CARD),
    Bill(16, "Boulder Hall", "Expenses:Leisure:Sport", 5_900, "Membership Ana, {month}", CARD, rises=20),
    Bill(20, "Doctors at Sea", "Expenses:Donations", 2_500, "Monthly gift", CHECKING),
    Bill(10, "Alpenschutz Insurance", "Expenses:Insurance:Household", 21_480, "Household {year}", CHECKING,
         months=(2,), rises=30, code="POL 88-1204"),
    Bill(10, "Alpenschutz Insurance", "Expenses:Insurance:Car", 48_620, "Car {year}", CHECKING, months=(3,),
         rises=30, code="POL 88-1205"),
    Bill(12, "Alpenschutz Insurance", "Expenses:Insurance:Accident", 19_800, "Accident, family, {year}", CHECKING,
         months=(9,), rises=15, code="POL 90-3311"),
    Bill(2, "City Transport", "Expenses:Transport:Public transport", 36_500, "Year ticket Ana", CHECKING,
         months=(1,)),
    Bill(2, "City Transport", "Expenses:Transport:Public transport", 36_500, "Year ticket Ben", CHECKING,
         months=(9,)),
    Bill(24, "Danube Savings Bank", FEES, 990, "Account fee", CHECKING, months=(3, 6, 9, 12)),
)  # fmt: skip

BY_CARD, BY_CASH, EITHER = (CARD, CARD, CHECKING), (WALLET, WALLET, CARD), (CARD, WALLET)

HABITS = (
    Habit(GROCERIES, (68, 46, 52, 56, 78, 86, 0), 1_150, 9_600,
          (("Greenmarket", ("Weekly shop", "", "", "Guests on Sunday")),
           ("Corner Shop Novak", ("", "Milk and eggs")), ("Organic Basket", ("Vegetable box", "")),
           ("Saturday Market", ("Fruit", "Cheese", "Flowers")), ("Fish Stall Adria", ("",)),
           ("Deli Rosso", ("Ham and olives", ""))), BY_CARD, beside=HOUSEHOLD),
    Habit("Expenses:Food:Bakery", (46, 46, 46, 48, 48, 76, 40), 240, 1_400,
          (("Bakery Sonnleitner", ("", "Bread", "Rolls")), ("Mill Bakery", ("", "Bread")),
           ("Cake Shop Amalia", ("Cake", ""))), BY_CASH, step=10),
    Habit("Expenses:Food:Lunch at work", (60, 63, 63, 60, 40, 0, 0), 820, 1_450,
          (("Canteen Tower 4", ("",)), ("Noodle Bar Hanoi", ("", "With Jonas")), ("Soup & Co", ("",)),
           ("Falafel Yasmin", ("",))), (CARD, WALLET, CARD), step=10),
    Habit(EATING_OUT, (13, 13, 16, 18, 28, 38, 34), 350, 1_650,
          (("Café Mirabell", ("", "Coffee and cake")), ("Espresso Lindengasse", ("", "Coffee")),
           ("Gelato Alba", ("Ice cream",)), ("Wine Tavern Huber", ("", "After the walk"))),
          EITHER, step=10),
    Habit(EATING_OUT, (32, 32, 34, 32, 24, 0, 0), 180, 460,
          (("Kiosk at the Station", ("Coffee",)), ("Espresso Lindengasse", ("Coffee",))), EITHER, step=10),
    Habit(EATING_OUT, (4, 4, 9, 13, 26, 36, 21), 2_800, 12_000,
          (("Trattoria Lupo", ("", "With Mia and Jonas", "Pizza")), ("Bistro Quay", ("", "Birthday dinner")),
           ("Sushi Hana", ("",)), ("Gasthaus Zum Hirschen", ("Sunday lunch", "Parents visiting")),
           ("Curry House", ("",))), BY_CARD, step=50),
    Habit(HOUSEHOLD, (13, 13, 13, 13, 16, 27, 0), 380, 4_200,
          (("Drugstore Lavendel", ("", "Soap and paper")), ("Hardware Krenn", ("Light bulbs", "Paint", "Screws")),
           ("Greenmarket", ("Cleaning things",))), BY_CARD),
    Habit("Expenses:Transport:Car", (8, 6, 6, 7, 14, 10, 6), 3_800, 8_200,
          (("Fuel Station Gürtel", ("Fuel",)), ("Fuel Station West", ("Fuel",)),
           ("Autohaus Berger", ("Car wash",))), BY_CARD),
    Habit("Expenses:Transport:Public transport", (7, 7, 7, 7, 14, 13, 9), 240, 3_900,
          (("Railways", ("Tickets", "To the lake")), ("City Transport", ("Single ticket",)),
           ("Rent-a-Bike", ("",))), (CARD, CARD, WALLET), step=10),
    Habit("Expenses:Transport:Car", (4, 4, 4, 4, 7, 12, 3), 200, 1_200, (("City Parking", ("Parking",)),), (CARD,),
          step=10),
    Habit("Expenses:Health", (8, 8, 8, 8, 9, 4, 0), 490, 5_400,
          (("Pharmacy Zum Löwen", ("", "Cough syrup", "Plasters")), ("Dr Steiner", ("Check-up",)),
           ("Optician Klar", ("Contact lenses",))), BY_CARD, step=5),
    Habit("Expenses:Clothing", (4, 4, 5, 5, 8, 19, 0), 1_990, 14_900,
          (("Modehaus Linde", ("Shirt", "Trousers", "Jacket")), ("Shoes Wander", ("Shoes", "Boots")),
           ("Kids & Co", ("For Mia", "Winter things"))), (CARD,), step=10, returned=22),
    Habit("Expenses:Leisure:Culture", (5, 7, 8, 10, 14, 18, 14), 900, 7_400,
          (("Lichtspiele Josefi", ("Cinema", "")), ("Museum Quarter", ("Exhibition",)),
           ("Concert House", ("Tickets",)), ("Zoo", ("With Mia",))), BY_CARD, step=10),
    Habit("Expenses:Leisure:Sport", (5, 4, 6, 4, 5, 12, 12), 450, 2_600,
          (("Public Pool", ("Swimming",)), ("Boulder Hall", ("Ben",)), ("Tennis Club East", ("Court",))),
          EITHER, step=10),
    Habit("Expenses:Leisure:Books", (5, 5, 5, 5, 7, 11, 0), 790, 4_100,
          (("Bookshop Amsel", ("", "Novel", "Picture book")), ("Comic Corner", ("",))), BY_CARD, step=10),
    Habit(FURNISHING, (4, 5, 5, 6, 5, 12, 0), 1_490, 21_900,
          (("Möbelwerk", ("Shelf", "Lamp", "Chair")), ("Papier & Licht", ("Frames", "Lamp")),
           ("Second Hand Hall", ("Mirror", "Plates"))), (CARD,), step=10, returned=12),
    Habit("Expenses:Family:Children", (7, 7, 8, 8, 9, 16, 4), 590, 5_900,
          (("Kids & Co", ("", "Toys")), ("Music School", ("Flute",)), ("Playroom Purzel", ("Birthday party", ""))),
          BY_CARD, step=10),
)  # fmt: skip

# date, payee, narration, paid from or into, account, cents, tags, notes
EVENTS: dict[str, tuple[tuple[str, str, str, str, int, tuple[str, ...], str], ...]] = {
    "2023-12-12": (("Toys Wunderland", "Christmas presents", CARD, GIFTS, 18_640, ("christmas",), ""),),
    "2023-12-19": (("Bookshop Amsel", "Christmas presents", CARD, GIFTS, 9_270, ("christmas",), ""),),
    "2024-02-20": (("Optician Klar", "Glasses, Ben", CARD, "Expenses:Health", 38_900, (),
                    "Insurance pays none."),),
    "2024-05-14": (("Tax Office", "Tax refund 2023", CHECKING, "Income:Tax refund", -61_240, ("tax-2023",), ""),),
    "2024-06-21": (("Autohaus Berger", "Service and tyres", CARD, "Expenses:Transport:Car", 74_380, (),
                    "Next service at 90,000 km."),),
    "2024-08-03": (("Railways", "Night train to Venice", CARD, "Expenses:Travel:Flights and trains", 34_700,
                    ("italy-2024",), ""),),
    "2024-08-04": (("Pension Laguna", "Six nights", CARD, LODGING, 73_800, ("italy-2024",), ""),),
    "2024-08-06": (("Osteria al Ponte", "", CARD, TRAVEL_FOOD, 6_850, ("italy-2024",), ""),),
    "2024-08-08": (("Trattoria Marina", "", CARD, TRAVEL_FOOD, 7_420, ("italy-2024",), ""),),
    "2024-09-18": (("Radhaus", "Bicycle, Ana", CARD, "Expenses:Leisure:Sport", 84_900, (),
                    "Frame number TB-20731."),),
    "2024-12-10": (("Toys Wunderland", "Christmas presents", CARD, GIFTS, 16_480, ("christmas",), ""),),
    "2024-12-20": (("Grandma Elfi", "For Christmas", CHECKING, "Income:Gifts", -30_000, ("christmas",), ""),),
    "2025-03-28": (("Notary Dr Wallner", "Contract, land register", CHECKING, PURCHASE, 416_000, ("moving",),
                    "Invoice and receipt are in the blue folder."),),
    "2025-04-07": (("Tax Office", "Tax on the purchase, 3.5 %", CHECKING, PURCHASE, 1_043_000, ("moving",), ""),),
    "2025-04-10": (("Movers Flink", "Moving", CARD, FURNISHING, 98_000, ("moving",), "Two lorries, 7 hours."),),
    "2025-04-14": (("Möbelwerk", "Kitchen table, six chairs", CARD, FURNISHING, 124_500, ("moving",), ""),),
    "2025-05-08": (("Tax Office", "Tax refund 2024", CHECKING, "Income:Tax refund", -48_790, ("tax-2024",), ""),),
    "2025-05-12": ((LANDLORD, "Deposit returned", CHECKING, DEPOSIT, -354_000, ("moving",), ""),),
    "2025-07-19": (("Lakeside Inn", "A week at the lake", CARD, LODGING, 91_000, ("lake-2025",), ""),),
    "2025-12-09": (("Toys Wunderland", "Christmas presents", CARD, GIFTS, 20_310, ("christmas",), ""),),
    "2026-01-22": (("Skyline Airways", "Vienna–Tokyo and back, three people", CARD,
                    "Expenses:Travel:Flights and trains", 246_900, ("japan-2026",), "Booking code QX7RTP."),),
    "2026-02-16": (("Elektro Funk", "Washing machine", CARD, FURNISHING, 64_900, (), "Five years of warranty."),),
    "2026-05-19": (("Tax Office", "Tax refund 2025", CHECKING, "Income:Tax refund", -44_920, ("tax-2025",), ""),),
    "2026-08-15": (("Lakeside Inn", "A week at the lake", CARD, LODGING, 94_500, ("lake-2026",), ""),),
}  # fmt: skip
BIRTHDAYS = {(2, 8): "Ben", (5, 23): "Grandma Elfi", (6, 30): "Mia", (9, 2): "Ana", (11, 14): "Jonas"}

SALARIES = {
    # name: gross a month by year, social insurance, income tax, employer
    "Ana": ({2023: 3_980, 2024: 4_120, 2025: 4_260, 2026: 4_390}, D("0.1807"), D("0.1742"), "Ortner Engineering"),
    "Ben": ({2023: 2_790, 2024: 2_880, 2025: 2_970, 2026: 3_060}, D("0.1807"), D("0.0968"), "Northside School"),
}

JAPAN = date(2026, 4, 3), date(2026, 4, 17)
AWAY = (
    (date(2024, 8, 3), date(2024, 8, 10)),
    (date(2025, 7, 19), date(2025, 7, 26)),
    (date(2026, 8, 15), date(2026, 8, 22)),
)
TRIP = ("japan-2026",)
YEN_MEALS = (
    ("Ramen Ichiban", "Ramen"), ("Kissaten Aoi", "Breakfast"), ("Nishiki Market", "Lunch"), ("Soba Tanuki", ""),
    ("Konbini 24", "Snacks"), ("Izakaya Tori", "Dinner"),
)  # fmt: skip
YEN_SIGHTS = (("Temple Garden", "Entry"), ("Museum of Glass", "Tickets"), ("Castle Keep", "Entry"))


def instalment() -> Decimal:
    """Return the mortgage's monthly instalment: the annuity, rounded to the cent."""
    growth = (1 + RATE / 12) ** (YEARS * 12)
    return money.round_to((PRICE - OWN_MONEY) * (RATE / 12) * growth / (growth - 1), 2)


class AnaAndBen(Household):
    """The demo household."""

    name = "Ana & Ben"
    owner = "ana@example.org"
    members = (("ben@example.org", "editor"),)
    base = "EUR"
    time_zone = "Europe/Vienna"
    first, last = date(2023, 11, 1), date(2026, 10, 31)
    commodities = (
        CommodityPlan("JPY"),
        CommodityPlan("WRLD", {"name": "World Equity Fund", "kind": "security", "places": 3, "scale": 6}),
    )
    accounts, bills, habits = ACCOUNTS, BILLS, HABITS
    checking, wallet, card = CHECKING, WALLET, CARD
    card_payee = cash_payee = BANK

    def open(self) -> None:
        """Begin with what they had on the first of November 2023."""
        self.market, self.abroad = Dice("market"), Dice("japan")
        self.prices = {"WRLD": D("92.10"), "JPY": D("0.006240")}
        self.quote(self.first - DAY)
        for account, amount in (
            (CHECKING, "6240.55"), (SAVINGS, "58300.00"), (WALLET, "85.40"), (DEPOSIT, "3540.00"),
            (CARD, "-286.35"),
        ):  # fmt: skip
            self.write(self.first, "", "Opening balance", Part(account, D(amount)), Part(OPENING, D(0)))
        fund = Part(FUND, D("118.500"), "WRLD", D("10913.85"))
        self.write(self.first, "", "Opening balance", fund, Part(OPENING, D(0)))
        self.card_bill = D("286.35")

    def live(self, day: date) -> None:
        """Write what happened on a day."""
        self.earn(day)
        self.save(day)
        self.own_a_flat(day)
        self.keep_events(day)
        if JAPAN[0] <= day <= JAPAN[1]:
            self.travel(day)
        elif not any(start <= day <= end for start, end in AWAY):
            self.buy(day)
        self.correct(day)
        if month_end(day):
            self.end_month(day)

    # --- Money in

    def earn(self, day: date) -> None:
        """Salaries with what is withheld, twice in June and November; family allowance."""
        payday = working_day(day.year, day.month, 26)
        for name, (gross_by_year, social_rate, tax_rate, employer) in SALARIES.items():
            for what, due in (
                ("Salary", True),
                ("Holiday pay", day.month == 6),
                ("Christmas pay", day.month == 11),
            ):
                if day != payday or not due:
                    continue
                gross = D(gross_by_year[day.year]).quantize(D("0.01"))
                social = money.round_to(gross * social_rate, 2)
                tax = money.round_to(gross * (tax_rate if what == "Salary" else D("0.06")), 2)
                self.write(
                    day, employer, f"{what} {month_name(day)}",
                    Part(f"Income:Salary:{name}", -gross), Part(INCOME_TAX, tax), Part(SOCIAL, social),
                    Part(CHECKING, D(0)), code=f"{day:%Y-%m}-{name[0]}{'' if what == 'Salary' else '2'}",
                )  # fmt: skip
        if day == working_day(day.year, day.month, 13):
            legs = Part(CHECKING, D("171.80")), Part("Income:Family allowance", D("-171.80"))
            self.write(day, "Tax Office", f"Family allowance {month_name(day)}", *legs)

    def save(self, day: date) -> None:
        """Savings by standing order, the fund's savings plan, and whatever is left over."""
        if day == working_day(day.year, day.month, 2):
            self.write(day, "", "To savings", Part(SAVINGS, D(650)), Part(CHECKING, D(-650)))
        if day == working_day(day.year, day.month, 7):
            self.buy_fund(day, D(250) if day < MOVED else D(150))
        spare = self.hold(CHECKING) - 7_500
        if day == working_day(day.year, day.month, 26) and spare >= 500:
            extra = spare // 100 * 100
            self.write(day, "", "Left over, to savings", Part(SAVINGS, extra), Part(CHECKING, -extra))
        self.cover(day, D(0))

    def cover(self, day: date, amount: Decimal, tags: tuple[str, ...] = ()) -> None:
        """Fetch from the savings what is missing for a payment, so that 900 stay in the bank; in round sums."""
        short = amount + 900 - self.hold(CHECKING)
        if short > 0:
            round_sum = (short / 500).to_integral_value(ROUND_CEILING) * 500
            legs = Part(CHECKING, round_sum), Part(SAVINGS, -round_sum)
            self.write(day, "", "From savings", *legs, tags=tags)

    def settle_card(self, day: date) -> None:
        """See that the bank holds enough before the card's bill is paid."""
        if day == working_day(day.year, day.month, 17):
            self.cover(day, self.card_bill)
        super().settle_card(day)

    def buy_fund(self, day: date, paid: Decimal) -> None:
        """Buy as many units as the money buys after the broker's fee: an exchange, weighed by what was paid."""
        fee = D("1.50")
        price = money.round_to(self.prices["WRLD"] * D(990 + self.market.below(21)) / 1000, 4)
        units = money.round_to((paid - fee) / price, 3)
        legs = Part(FUND, units, "WRLD", paid - fee), Part(FEES, fee), Part(CHECKING, -paid)
        self.write(day, BROKER, f"Savings plan, {units} at {price}", *legs, code=f"SP-{day:%y%m}")

    # --- The flat

    def own_a_flat(self, day: date) -> None:
        """Buy it on the first of April 2025; from then on pay interest and principal."""
        if day == MOVED:
            if self.hold(SAVINGS) < OWN_MONEY + 2_000:
                raise ValueError("the savings do not reach")
            self.write(
                day, "Linden Lane Homes", "Flat 8, second floor",
                Part(FLAT, PRICE), Part(SAVINGS, -OWN_MONEY), Part(MORTGAGE, OWN_MONEY - PRICE),
                tags=("moving",), notes="Contract of 12 March 2025; keys handed over on 1 April.",
            )  # fmt: skip
        if day > MOVED and day == working_day(day.year, day.month, 1):
            interest = money.round_to(-self.hold(MORTGAGE) * RATE / 12, 2)
            principal = instalment() - interest
            legs = Part(MORTGAGE, principal), Part(INTEREST_PAID, interest), Part(CHECKING, -instalment())
            self.write(day, BANK, f"Mortgage {month_name(day)}", *legs, code="HL 4471-02")

    # --- Single events

    def keep_events(self, day: date) -> None:
        """Write what happened once, and birthdays."""
        for payee, narration, paid, account, amount, tags, notes in EVENTS.get(f"{day:%Y-%m-%d}", ()):
            if paid == CHECKING:
                self.cover(day, cents(amount), tags)
            legs = Part(account, cents(amount)), Part(paid, -cents(amount))
            self.write(day, payee, narration, *legs, tags=tags, notes=notes)
        if person := BIRTHDAYS.get((day.month, day.day)):
            present = D(35 + (day.year * 7 + day.month * 11) % 60)
            self.write(day, "Papier & Licht", f"Birthday, {person}", Part(GIFTS, present), Part(CARD, -present))

    def end_month(self, day: date) -> None:
        """Note the market's prices; each quarter interest, dividends and the bank's statements."""
        self.quote(day)
        if day.month % 3:
            return
        interest = money.round_to(self.hold(SAVINGS) * D("0.015") / 4, 2)
        tax = money.round_to(interest / 4, 2)
        legs = Part("Income:Interest", -interest), Part(CAPITAL_TAX, tax), Part(SAVINGS, D(0))
        self.write(day, BANK, f"Interest, quarter to {month_name(day)}", *legs)
        if day.month in (6, 12):
            gross = money.round_to(self.hold(FUND, "WRLD") * D("0.84"), 2)
            tax = money.round_to(gross * D("0.275"), 2)
            legs = Part("Income:Dividends", -gross), Part(CAPITAL_TAX, tax), Part(CHECKING, D(0))
            self.write(day, BROKER, "World Equity Fund, distribution", *legs)
        self.prove(day, (CHECKING, ""), (SAVINGS, ""), (FUND, "WRLD"))

    def quote(self, day: date) -> None:
        """Let the market move and note where it stands."""
        if self.plan.quotes:
            self.prices["WRLD"] = money.round_to(self.prices["WRLD"] * D(978 + self.market.below(58)) / 1000, 2)
            self.prices["JPY"] = money.round_to(self.prices["JPY"] * D(990 + self.market.below(20)) / 1000, 6)
        self.plan.quotes += [Quote(code, day, price) for code, price in self.prices.items()]

    # --- Japan

    def travel(self, day: date) -> None:
        """A day in Japan: small things in cash, hotels and shops by card."""
        if day == JAPAN[0]:
            self.exchange(day)
        for payee, narration in ("Hotel Kamo, Kyoto", "Seven nights"), ("Hotel Sumida, Tokyo", "Seven nights"):
            if day in (date(2026, 4, 4), date(2026, 4, 11)) and (day.day == 4) == ("Kyoto" in payee):
                self.pay_abroad(day, payee, narration, (LODGING, 138_600))
        for payee, narration in YEN_MEALS:
            if self.abroad.percent(45):
                self.pay_yen(day, payee, narration, TRAVEL_FOOD, self.abroad.between(680, 6_400, 10))
        if self.abroad.percent(70):
            self.pay_yen(day, "Rail and Metro", "Tickets", GETTING_AROUND, self.abroad.between(360, 2_900, 10))
        if self.abroad.percent(50):
            payee, narration = self.abroad.any_of(YEN_SIGHTS)
            self.pay_yen(day, payee, narration, SIGHTS, self.abroad.between(800, 5_400, 100))
        if day in (date(2026, 4, 9), date(2026, 4, 15)):
            goods = ((TRAVEL_FOOD, 3_480), (SIGHTS, 4_200), (TRAVEL_FOOD, 10_800))
            self.pay_abroad(day, "Nishiki Market", "Tea, towels, lunch", *goods)
        if day == JAPAN[1]:
            self.prove(day, (YEN, "JPY"))

    def exchange(self, day: date) -> None:
        """Change money at the airport: yen for euros and a fee."""
        yen = D(90_000)
        euros = money.round_to(yen * self.prices["JPY"] * D("1.021"), 2)
        legs = Part(YEN, yen, "JPY", euros), Part(FEES, D("6.90")), Part(CHECKING, D(0))
        self.write(day, "Airport Exchange", "90,000 yen", *legs, tags=TRIP)

    def pay_yen(self, day: date, payee: str, narration: str, account: str, yen: int) -> None:
        """Pay from the envelope, and by card once it is nearly empty."""
        if self.hold(YEN, "JPY") < yen + 2_000:
            self.pay_abroad(day, payee, narration, (account, yen))
            return
        legs = Part(account, D(yen), "JPY"), Part(YEN, D(-yen), "JPY")
        self.write(day, payee, narration, *legs, tags=TRIP)

    def pay_abroad(self, day: date, payee: str, narration: str, *goods: tuple[str, int]) -> None:
        """Pay yen by a card that is kept in euros: each leg weighs its share of what the card was charged."""
        euros = money.round_to(sum(yen for _account, yen in goods) * self.prices["JPY"], 2)
        shares = money.split(euros, [yen for _account, yen in goods], 2)
        legs = [Part(account, D(yen), "JPY", share) for (account, yen), share in zip(goods, shares, strict=True)]
        fee = money.round_to(euros * D("0.0175"), 2)
        self.write(day, payee, narration, *legs, Part(FEES, fee), Part(CARD, D(0)), tags=TRIP)

    # --- What was put right

    def correct(self, day: date) -> None:
        """Three mistakes of 2026: one typed twice, one with its digits swapped, one that should not have been."""
        if day == date(2026, 6, 20):
            legs = Part(EATING_OUT, D("86.50")), Part(CARD, D("-86.50"))
            self.write(day, "Bistro Quay", "With Mia and Jonas", *legs)
            twice = self.write(day, "Bistro Quay", "With Mia and Jonas", *legs, counted=False)
            self.plan.voided[twice.public_id] = "entered twice, by Ana and by Ben"
        if day == date(2026, 7, 11):
            self.amend(day)
        if day == date(2026, 8, 3):
            legs = Part("Expenses:Leisure:Sport", D("89.00")), Part(CARD, D("-89.00"))
            charged = self.write(day, "Boulder Hall", "Course that was never booked", *legs)
            self.plan.reversals.append(
                Reversal(charged.public_id, date(2026, 8, 12), "Charged by mistake, given back by Boulder Hall")
            )
        if day == date(2026, 8, 12):
            self.held[CARD, "EUR"] += 89
            self.held["Expenses:Leisure:Sport", "EUR"] -= 89
        if day == self.last:
            self.plan.locked_through = date(2024, 10, 31)

    def amend(self, day: date) -> None:
        """Groceries with 61.90 on the receipt, typed as 91.60."""
        right = self.write(day, "Greenmarket", "Party", Part(GROCERIES, D("61.90")), Part(CARD, D("-61.90")))
        wrong = [replace(leg, amount=D("91.60").copy_sign(leg.amount)) for leg in right.legs]
        self.plan.entries[-1] = replace(right, legs=wrong, narration="")
        self.plan.amendments.append(Amendment(right.public_id, right, "digits swapped; 61.90 on the receipt"))
