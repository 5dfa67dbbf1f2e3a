using Distributed.Engine.Generation;
using Distributed.Engine.Tests.Tokenizers;
using Distributed.Engine.Tokenizers;

namespace Distributed.Engine.Tests.Generation;

public sealed class StopRuleTests
{
    private static readonly Tokenizer Bytes = Tokenizer.Load(Fixture.Path("mini", "tokenizer.json"));

    [Theory]
    [InlineData("<think>hm</think>", "</think>")]
    [InlineData("I search for it</search>", "</search>")]
    [InlineData("quick brown fox", "own fox")]
    [InlineData("日本語", "語")]
    [InlineData("a\nb", "\n")]
    public void The_rule_holds_at_the_first_token_whose_text_ends_with_the_stop_string(string text, string stop)
    {
        var ids = Bytes.Encode(text + " and more " + text);
        var rule = new StopRule(Bytes, ["no such thing", stop], Bytes.VocabularySize);
        for (var length = 1; length <= ids.Length; length++)
        {
            var prefix = ids.AsSpan(0, length);
            rule.IsMet(prefix).ShouldBe(Bytes.Decode(prefix).EndsWith(stop, StringComparison.Ordinal), Bytes.Decode(prefix));
        }
    }

    [Fact]
    public void Words_are_decoded_with_their_spaces()
    {
        var words = Tokenizer.Load(Fixture.Path("wordlevel", "whitespace", "tokenizer.json"));
        var rule = new StopRule(words, ["Ada Lovelace", "</search>"], words.VocabularySize);
        rule.IsMet(words.Encode("Ada")).ShouldBeFalse();
        rule.IsMet(words.Encode("was Ada Lovelace")).ShouldBeTrue();
        rule.IsMet(words.Encode("Lovelace")).ShouldBeFalse();
        rule.IsMet(words.Encode("born</search>")).ShouldBeTrue();
    }

    [Fact]
    public void Ids_the_tokenizer_does_not_know_are_seen_through()
    {
        var unknown = Bytes.VocabularySize + 3;
        var rule = new StopRule(Bytes, ["</search>"], Bytes.VocabularySize + 10);
        int[] ids = [.. Bytes.Encode("x</search"), .. Enumerable.Repeat(unknown, 50), .. Bytes.Encode(">")];
        rule.IsMet(ids).ShouldBeTrue();
        rule.IsMet([.. ids, unknown]).ShouldBeTrue();
    }

    [Fact]
    public void Without_stop_strings_nothing_stops() => new StopRule(Bytes, [], Bytes.VocabularySize).IsMet(Bytes.Encode("x")).ShouldBeFalse();
}
