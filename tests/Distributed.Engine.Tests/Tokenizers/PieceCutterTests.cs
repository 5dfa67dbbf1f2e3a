using System.Text.Json;
using Distributed.Engine.Tokenizers;

namespace Distributed.Engine.Tests.Tokenizers;

public sealed class PieceCutterTests
{
    private static readonly string[] Alphabet =
    [
        "a", "Z", "s", "T", "'", "'s", "'LL", "'\u017f", "'re", "1", "22", "3333", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2028", ".", "!?", "_", "é", "e\u0301",
        "日本", "カ", "한", "😀", "𝒳", "𝟘", "Ⅳ", "½", "٣", "ǅ", "\u0301", "\ud800", "\u0000", "ſ",
    ];

    [Theory]
    [InlineData(PieceScanner.SingleDigitPattern, 1)]
    [InlineData(PieceScanner.TripleDigitPattern, 3)]
    public void The_scanner_cuts_random_texts_as_its_pattern_does(string pattern, int digits)
    {
        var (scanner, matcher) = (new PieceScanner(digits), Read(pattern));
        var random = new Random(digits);
        for (var round = 0; round < 3_000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 14)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            Cut(scanner, text).ShouldBe(Cut(matcher, text), text);
        }
    }

    [Fact]
    public void The_pattern_itself_cuts_every_reference_text_into_the_reference_pieces()
    {
        var matcher = Read(PieceScanner.SingleDigitPattern);
        foreach (var row in Fixture.Rows("mini", "pretok.jsonl"))
            Cut(matcher, row.Text("text")).ShouldBe(row.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString()!), row.Text("id"));
    }

    [Theory]
    [InlineData(@"\p{N}{1,3}", "ab1234c", "ab|123|4|c")]
    [InlineData(@"[一-龥぀-ゟ゠-ヿ]+", "ab日本カxy", "ab|日本カ|xy")]
    [InlineData(@"(?i:k|s)+?", "", "")]
    [InlineData(@"(?i:k|s)", "xKKſy", "x|K|K|ſ|y")]
    [InlineData(@"[^\s]+(?=b)|c", "aab c", "aa|b |c")]
    [InlineData(@"a++a|b", "aaab", "aaa|b")]
    [InlineData(@"[\p{Lu}\p{Lt}]?[\p{Ll}]+|\P{L}", "HelloWorld1", "Hello|World|1")]
    [InlineData(@"[\-\]a]{2,}", "-]axa-", "-]a|x|a-")]
    [InlineData(@"\x41\u0042", "zABz", "z|AB|z")]
    [InlineData(@"[^a]", "a😀a", "a|😀|a")]
    public void Patterns_mean_what_they_mean_to_expression_engines(string pattern, string text, string pieces)
    {
        if (pattern.EndsWith("+?", StringComparison.Ordinal))
        {
            Should.Throw<TokenizerFileException>(() => Read(pattern));
            return;
        }

        string.Join('|', Cut(Read(pattern), text)).ShouldBe(pieces);
    }

    [Theory]
    [InlineData("a*", "matches the empty text")]
    [InlineData("(a", "at character 3: a group does not end")]
    [InlineData("a)", "at character 2: ')' closes nothing")]
    [InlineData("[a", "a set does not end")]
    [InlineData("[[a]]", "sets of sets are not supported")]
    [InlineData("(?<=a)b", "this kind of group is not supported")]
    [InlineData("(?:ab)+", "repeated groups are not supported")]
    [InlineData("a+?", "lazy repetition is not supported")]
    [InlineData(@"\p{Han}", "the category 'Han' is not supported")]
    [InlineData(@"\bx", @"\b is not supported")]
    [InlineData("^a", "'^' is not supported here")]
    [InlineData("a{5,2}", "expected {n}")]
    [InlineData("[z-a]", "a range that goes backwards")]
    [InlineData("((((((((((((((((((((((((((((((((((((a", "more than 32 groups")]
    public void A_pattern_that_is_not_supported_is_refused_with_its_place(string pattern, string complaint)
    {
        var message = Should.Throw<TokenizerFileException>(() => Read(pattern)).Message;
        message.ShouldStartWith("f: p: the pattern ");
        message.ShouldContain(complaint);
    }

    [Fact]
    public void A_pattern_that_tries_every_way_is_stopped() =>
        Should.Throw<TokenizerFileException>(() => Cut(Read("a+a+a+a+a+a+b"), new string('a', 5_000))).Message.ShouldContain("takes too long");

    private static PatternCutter Read(string pattern) => PatternCutter.Read(pattern, new JsonPlace("f", "p", default(JsonElement)));

    private static List<string> Cut(PieceCutter cutter, string text)
    {
        var pieces = new List<string>();
        for (var start = 0; start < text.Length; start += pieces[^1].Length)
            pieces.Add(text.Substring(start, cutter.Next(text.AsSpan(start))));
        return pieces;
    }
}
