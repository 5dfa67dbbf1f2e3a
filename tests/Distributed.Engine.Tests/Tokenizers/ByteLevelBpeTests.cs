using System.Text;
using Distributed.Engine.Tokenizers;

namespace Distributed.Engine.Tests.Tokenizers;

public sealed class ByteLevelBpeTests
{
    private static readonly Tokenizer Mini = Tokenizer.Load(Fixture.Path("mini", "tokenizer.json"));

    [Fact]
    public void Every_reference_text_encodes_to_the_reference_ids_and_back()
    {
        foreach (var row in Fixture.Rows("mini", "encode.jsonl"))
        {
            Mini.Encode(row.Text("text")).ShouldBe(row.Ids("ids_no_special"), row.Text("id"));
            Mini.Decode(row.Ids("ids")).ShouldBe(row.Text("decoded_with_special"), row.Text("id"));
            Mini.DecodePlain(row.Ids("ids")).ShouldBe(row.Text("decoded"), row.Text("id"));
        }
    }

    [Fact]
    public void Every_reference_id_list_decodes_to_the_reference_text_ill_formed_bytes_included()
    {
        foreach (var row in Fixture.Rows("mini", "decode.jsonl"))
        {
            Mini.Decode(row.Ids("ids")).ShouldBe(row.Text("decoded_with_special"), row.Text("id"));
            Mini.DecodePlain(row.Ids("ids")).ShouldBe(row.Text("decoded"), row.Text("id"));
        }
    }

    [Fact]
    public void The_scanner_cuts_every_reference_text_into_the_reference_pieces()
    {
        var scanner = new PieceScanner(longestDigitRun: 1);
        foreach (var row in Fixture.Rows("mini", "pretok.jsonl"))
        {
            var (text, pieces) = (row.Text("text"), new List<string>());
            for (var start = 0; start < text.Length;)
            {
                var length = scanner.Next(text.AsSpan(start));
                pieces.Add(text.Substring(start, length));
                start += length;
            }

            pieces.ShouldBe(row.GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString()!), row.Text("id"));
        }
    }

    [Theory]
    [InlineData("1234567", "123|456|7")]
    [InlineData("a1234", "a|123|4")]
    [InlineData("٣٤٥٦", "٣٤٥|٦")]
    public void Three_digits_stay_together_where_the_pattern_says_so(string text, string pieces)
    {
        var scanner = new PieceScanner(longestDigitRun: 3);
        var found = new List<string>();
        for (var start = 0; start < text.Length; start += found[^1].Length)
        {
            found.Add(text.Substring(start, scanner.Next(text.AsSpan(start))));
        }

        string.Join('|', found).ShouldBe(pieces);
    }

    [Fact]
    public void Merges_written_as_strings_mean_the_same_as_pairs()
    {
        var strings = Tokenizer.Load(Fixture.Path("mini", "tokenizer_string_merges.json"));
        foreach (var row in Fixture.Rows("mini", "encode.jsonl"))
        {
            strings.Encode(row.Text("text")).ShouldBe(row.Ids("ids_no_special"), row.Text("id"));
        }
    }

    [Fact]
    public void The_byte_alphabet_is_the_reference_one()
    {
        using var document = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Fixture.Path("mini", "byte_to_unicode.json")));
        foreach (var member in document.RootElement.EnumerateObject())
        {
            var value = int.Parse(member.Name, System.Globalization.CultureInfo.InvariantCulture);
            ByteCharacters.Of((byte)value).ToString().ShouldBe(member.Value.GetString());
            ByteCharacters.ByteOf(member.Value.GetString()![0]).ShouldBe(value);
        }

        ByteCharacters.ByteOf('\u4e2d').ShouldBe(-1);
    }

    [Fact]
    public void Offsets_cover_the_text_in_order_and_ids_are_those_of_Encode()
    {
        foreach (var row in Fixture.Rows("mini", "encode.jsonl"))
        {
            var text = row.Text("text");
            var spans = Mini.EncodeWithOffsets(text);
            spans.Select(span => span.Id).ShouldBe(Mini.Encode(text), row.Text("id"));
            var reached = 0;
            foreach (var span in spans)
            {
                span.Start.ShouldBeLessThanOrEqualTo(reached, row.Text("id"));
                span.End.ShouldBeGreaterThan(span.Start, row.Text("id"));
                span.End.ShouldBeGreaterThanOrEqualTo(reached, row.Text("id"));
                reached = span.End;
            }

            reached.ShouldBe(text.Length, row.Text("id"));
        }
    }

    [Fact]
    public void A_token_of_whole_characters_decodes_to_the_text_of_its_range()
    {
        const string text = "Ada's café <think>est 日本</think> 😀!";
        foreach (var span in Mini.EncodeWithOffsets(text))
        {
            var decoded = Mini.Decode([span.Id]);
            if (!decoded.Contains('\ufffd'))
            {
                decoded.ShouldBe(text[span.Start..span.End]);
            }
        }
    }

    [Fact]
    public void A_composed_sequence_keeps_the_range_of_what_it_came_from()
    {
        const string text = "xe\u0301y";
        var spans = Mini.EncodeWithOffsets(text);
        spans.Select(span => span.Id).ShouldBe(Mini.Encode("x\u00e9y"));
        spans[0].ShouldBe(spans[0] with { Start = 0, End = 1 });
        spans[1].ShouldBe(spans[1] with { Start = 1, End = 3 });
        spans[^1].End.ShouldBe(4);
    }

    [Theory]
    [InlineData("\u1100\u1161\u11a8", "\uac01")]
    [InlineData("e\u0323\u0301 a\u030a\ufffee\u0301", "\u1eb9\u0301 \u00e5\ufffe\u00e9")]
    [InlineData("\u212b\u2126", "\u00c5\u03a9")]
    [InlineData("\U00016d67\U00016d67", "\U00016d67\U00016d67")]
    [InlineData("\ud800e\u0301", "\ud800\u00e9")]
    public void Composition_works_cluster_by_cluster(string text, string composed)
    {
        if (text[0] == '\ud81b')
        {
            composed = text.Normalize(NormalizationForm.FormC);
        }

        ComposedText.Of(text).Text.ShouldBe(composed);
    }

    [Fact]
    public void Composition_by_clusters_is_composition_of_the_whole()
    {
        foreach (var row in Fixture.Rows("mini", "encode.jsonl").Where(row => !row.Text("text").Any(character => character >= '\ufffe')))
        {
            ComposedText.Of(row.Text("text")).Text.ShouldBe(row.Text("text").Normalize(NormalizationForm.FormC), row.Text("id"));
        }
    }

    [Fact]
    public void The_long_and_the_short_merge_agree_and_a_long_piece_is_not_quadratic()
    {
        var once = new string('a', 95);
        var ids = Mini.Encode(string.Concat(Enumerable.Repeat(once, 2_000)));
        Mini.Decode(ids).Length.ShouldBe(190_000);

        // One symbol more than the short merge takes: cut off a character that merges with nothing before it.
        foreach (var unit in new[] { "the", "ation", "er", "nnn", "abcdefghij" })
        {
            var text = string.Concat(Enumerable.Repeat(unit, 60))[..95];
            var table = Mini.Encode(text);
            Mini.Encode(text + "\u00ff")[..table.Length].ShouldBe(table);
        }
    }

    [Fact]
    public void Half_a_surrogate_pair_encodes_as_the_replacement_character()
    {
        Mini.Encode("a\ud800b").ShouldBe(Mini.Encode("a\ufffdb"));
        Mini.EncodeWithOffsets("a\ud800b")[^1].End.ShouldBe(3);
    }

    [Fact]
    public void Tokens_are_found_by_their_content()
    {
        Mini.TokenId("<|im_end|>").ShouldBe(2002);
        Mini.TokenId("!").ShouldBe(0);
        Mini.TokenId("no such token").ShouldBeNull();
        Mini.VocabularySize.ShouldBe(2009);
    }

    [Fact]
    public void A_piece_that_is_a_token_is_not_merged_when_the_file_says_so()
    {
        using var scratch = new ScratchFolder();
        // "zqzq" becomes a token that no merge leads to.
        string WithToken(string json) => json.Replace("\"vocab\": {", "\"vocab\": {\n\"zqzq\": 2009,", StringComparison.Ordinal);
        var merging = Tokenizer.Load(Fixture.Edited(scratch.Path, Fixture.Path("mini", "tokenizer.json"), WithToken));
        var ignoring = Tokenizer.Load(Fixture.Edited(scratch.Path, Fixture.Path("mini", "tokenizer.json"),
            json => WithToken(json).Replace("\"ignore_merges\": false", "\"ignore_merges\": true", StringComparison.Ordinal)));
        merging.Encode("zqzq").Length.ShouldBeGreaterThan(1);
        ignoring.Encode("zqzq").ShouldBe([2009]);
    }

    [Fact]
    public void A_normalized_added_token_is_found_in_composed_text_and_the_longest_match_wins()
    {
        using var scratch = new ScratchFolder();
        var path = Fixture.Edited(scratch.Path, Fixture.Path("mini", "tokenizer.json"), json => json.Replace("\"added_tokens\": [", """
            "added_tokens": [
            {"id": 2009, "content": "caf\u00e9", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": false},
            {"id": 2010, "content": "<think>!", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false},
            """, StringComparison.Ordinal));
        var tokenizer = Tokenizer.Load(path);
        tokenizer.EncodeWithOffsets("<think>!cafe\u0301").ShouldBe([new(2010, 0, 8), new(2009, 8, 13)]);
    }

    [Fact]
    public void Tokens_around_a_text_are_added_only_when_asked_for()
    {
        using var scratch = new ScratchFolder();
        var path = Fixture.Edited(scratch.Path, Fixture.Path("mini", "tokenizer.json"), json => json.Replace("\"post_processor\": {", """
            "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing", "single": [
              {"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}}],
              "special_tokens": {"<|im_start|>": {"ids": [2001]}, "<|im_end|>": {"ids": [2002]}}}]},
            "unused": {
            """, StringComparison.Ordinal));
        var tokenizer = Tokenizer.Load(path);
        tokenizer.Encode("a").ShouldBe(Mini.Encode("a"));
        tokenizer.EncodeFramed("a").ShouldBe([2001, .. Mini.Encode("a"), 2002]);
        tokenizer.DecodePlain(tokenizer.EncodeFramed("a")).ShouldBe("a");
    }
}
