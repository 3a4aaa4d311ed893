"""Tales written for the tests: paragraphs parted by blank lines, verse as one paragraph with bars between its lines."""

GOOSE = (
    (
        "The Lamp on Quill Street",
        """
        In the town of Tidewell there lived a lamplighter named Osric Penn, who was so tall that he had never
        needed a ladder, and so forgetful that he had never once lit every lamp. He would stop to look at a moth,
        or at the moon in a puddle, and the lamp on Quill Street stayed dark.

        One evening a goose came walking up the middle of the road. She looked at the dark lamp, and then at
        Osric, and she did not seem to think much of either.

        "You have left one out," said the goose.

        "I have left out a good many, one time and another," said Osric. "Nobody has ever mentioned it."

        "I am mentioning it," said the goose; and she sat down on his boots, so that he could not walk on until
        the lamp was lit. It burned with a small yellow flame, and the whole street came to the windows to see
        what their own front doors looked like.
        """,
    ),
    (
        "What the Goose Counted",
        """
        From that night the goose went with him. She could count as far as eleven, and there were eleven lamps
        between the harbour and the hill, which Osric thought a wonderful piece of luck. She counted them aloud,
        and this is what she said:

        | One for the ferry and two for the quay,
        | Three for the widow who waits for the sea,
        | Four for the cobbler, and five for his cat,
        | Six for the mayor, who will not raise his hat.

        The other five she kept to herself, for she had not found the rhymes.

        Now the mayor heard of it, as mayors do. He sent a man with a paper, and the paper said that no goose
        might count anything within the walls of Tidewell unless it had first been weighed. Osric read it twice,
        once by the sixth lamp and once by the seventh, and understood it no better by the second light.
        """,
    ),
    (
        "The Weighing",
        """
        They weighed her on the fish scales, with the whole market looking on. She was found to weigh just as
        much as a bag of flour, a brass bell, and the mayor's second-best hat, and nobody could say whether that
        was too much for a goose who counts, or too little.

        "It depends," said the cobbler slowly, "on what she has had for breakfast."

        So they asked her. The goose told them all eleven things, in order, and by the time she came to the
        eleventh it had grown so dark that the mayor could not see his own paper. He held it up, and he held it
        down, and he called for a light.

        "I should be glad to oblige," said Osric, "but my goose is on the scales."

        They let her go at once. The lamps of Tidewell have all been lit ever since, and if you stand on Quill
        Street at dusk you may hear a voice say "eleven," and then the sound of two flat feet going home.
        """,
    ),
)

ECHOES = """
    There was once a baker's widow who found an echo in her oven. It had come down the chimney in a high wind, and
    it was a young one, for it could say no more than the last word of anything.

    "Good morning," said the widow.

    "Morning," said the echo, and it sounded so hungry that she gave it the end of a loaf.

    After that she kept it in a crock with a cloth across the top, and sold a spoonful to anybody who was lonely. A
    shepherd bought some for the high pastures; an old clock-mender bought some, because his clocks had all begun
    to disagree with him. She would never take more than a farthing, and she told each of them the same thing:
    "Say something kind to it last of all, for the last word is the one that you get back."

    The clock-mender forgot. He went home and scolded his clocks, and the echo called him a fool for a week and a
    day; and he grew so tired of it that he begged his clocks' pardon, one after the other, and they struck
    twelve together for the first time in their lives.
"""

HERON = """
    Long ago the heron had as many friends as there are reeds in the river. He danced at the weddings of the
    frogs, and he was godfather to forty ducklings, and wherever he set down his foot somebody called him by
    his name.

    But he would borrow. He borrowed the kingfisher's blue for a holiday, and the otter's whistle, and the slow
    step of the old water-ox; and what he borrowed he put away in the mud, and did not remember where.

    At last they all came to him on one morning and asked for what was theirs. The heron stood still to think.
    He lifted one leg, in case he was standing on it. He looked into the water, and the water said:

    | Grey is your feather and grey is your wing,
    | You cannot whistle, you never could sing;
    | Look till you find it, however you may,
    | Stand in the river and look for a day.

    He looked for a day, and he is looking still. If you go by quietly he will not turn his head, for he has very
    nearly remembered.
"""

BUTTONS = """
    Three buttons fell off a soldier's coat on the road to Marrow Fair. The first was brass, the second was bone,
    and the third was only thread wound about a plum stone, because the soldier's mother had run out of money
    when she came to it.

    A magpie took the brass one, and quarrelled over it until she had no neighbours left. A dog took the bone
    one, and buried it, and was never easy in his mind again, for he could not decide whether it had been enough
    bone to be worth the digging.

    Nobody took the third. The rain came, and the thread went, and the plum stone lay in the ditch all winter
    and dreamed that it was still holding something together.

    Seven years after, the soldier came home by the same road. He was cold, and his coat flew open in the wind,
    and he sat down out of the weather under a plum tree that he did not remember. "Well," he said, "somebody
    has looked after this"; and he ate eleven plums, and put the stones in his pocket, one for each button and
    some to spare.
"""
