using Distributed.Engine.Tokenizers;

namespace Distributed.Engine.Tests.Tokenizers;

public sealed class WordLevelTests
{
    private static readonly string[] Tokens =
    [
        "<unk>", "<pad>", "<end>", "<search>", "</search>", "<result>", "</result>", "<answer>", "</answer>", "<think>", "</think>",
        "Ada", "Lovelace", "was", "born", "in", "London", ".", "?", "who", "wrote", "Émile", "日本", "x_1", "don't", "don", "'", "t", "42",
    ];

    /// <summary>The expectations were recorded from Hugging Face's own library reading the very files beside them.</summary>
    [Theory]
    [InlineData("whitespace")]
    [InlineData("punctuation")]
    public void Ids_ranges_and_decoded_texts_are_those_of_the_reference_library(string kind)
    {
        var tokenizer = Tokenizer.Load(Fixture.Path("wordlevel", kind, "tokenizer.json"));
        foreach (var row in Fixture.Rows("wordlevel", kind, "expected.jsonl"))
        {
            var text = row.Text("text");
            tokenizer.Encode(text).ShouldBe(row.Ids("ids"), text);
            tokenizer.Decode(row.Ids("ids")).ShouldBe(row.Text("decoded"), text);
            var offsets = row.GetProperty("offsets").EnumerateArray().Select(pair => (pair[0].GetInt32(), pair[1].GetInt32()));
            tokenizer.EncodeWithOffsets(text).Select(span => (span.Start, span.End)).ShouldBe(offsets, text);
        }
    }

    [Theory]
    [InlineData("whitespace", WordSplit.Whitespace)]
    [InlineData("punctuation", WordSplit.WordsAndPunctuation)]
    public void The_written_file_is_to_the_byte_the_one_the_reference_library_read(string kind, WordSplit split)
    {
        using var scratch = new ScratchFolder();
        var tokens = split == WordSplit.Whitespace ? Tokens : [.. Tokens.Where(token => token != "don't")];
        WordLevelTokenizerFile.Write(scratch.File("tokenizer.json"), tokens, Tokens[1..11], "<unk>", split);
        WordLevelTokenizerFile.WriteConfig(scratch.File("tokenizer_config.json"), "<unk>", "<end>", "<pad>");
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json" })
        {
            File.ReadAllText(scratch.File(name)).ShouldBe(File.ReadAllText(Fixture.Path("wordlevel", kind, name)));
        }

        Directory.GetFiles(scratch.Path).Length.ShouldBe(2);
    }

    [Fact]
    public void Unknown_ids_are_skipped_when_decoding()
    {
        var tokenizer = Tokenizer.Load(Fixture.Path("wordlevel", "whitespace", "tokenizer.json"));
        tokenizer.Decode([11, 999, -1, 12]).ShouldBe("Ada Lovelace");
        tokenizer.Decode([]).ShouldBe("");
        tokenizer.VocabularySize.ShouldBe(Tokens.Length);
    }

    [Fact]
    public void A_sequence_of_splits_is_its_finest()
    {
        using var scratch = new ScratchFolder();
        var path = Fixture.Edited(scratch.Path, Fixture.Path("wordlevel", "punctuation", "tokenizer.json"), json => json.Replace(
            "\"type\": \"Whitespace\"", "\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Whitespace\"}]", StringComparison.Ordinal));
        Tokenizer.Load(path).Encode("Ada.London").Length.ShouldBe(3);
    }

    [Fact]
    public void A_vocabulary_that_could_not_be_read_back_is_not_written()
    {
        using var scratch = new ScratchFolder();
        var path = scratch.File("tokenizer.json");
        void Write(string[] tokens, string[] specials, string unknown) => WordLevelTokenizerFile.Write(path, tokens, specials, unknown);
        Should.Throw<ArgumentException>(() => Write(["a", "a"], [], "a")).Message.ShouldContain("listed twice");
        Should.Throw<ArgumentException>(() => Write(["a", ""], [], "a")).Message.ShouldContain("empty");
        Should.Throw<ArgumentException>(() => Write(["a"], ["b"], "a")).Message.ShouldContain("\"b\"");
        Should.Throw<ArgumentException>(() => Write(["a"], [], "u")).Message.ShouldContain("\"u\"");
        Should.Throw<ArgumentException>(() => Write(["u", "two words"], [], "u")).Message.ShouldContain("\"two words\"");
        File.Exists(path).ShouldBeFalse();
    }
}
