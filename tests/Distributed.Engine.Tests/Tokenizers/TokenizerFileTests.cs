using Distributed.Engine.Tokenizers;

namespace Distributed.Engine.Tests.Tokenizers;

public sealed class TokenizerFileTests : IDisposable
{
    private readonly ScratchFolder _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_file_that_is_not_there_is_named() =>
        Complaint(_scratch.File("absent.json")).ShouldContain("absent.json: cannot be read");

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("not json")]
    [InlineData("[1, 2")]
    public void Text_that_is_not_JSON_is_refused(string json) => Complaint(Write(json)).ShouldContain("not JSON");

    [Theory]
    [InlineData("[]", "top level: expected an object, found a list")]
    [InlineData("{}", "model: missing; expected an object")]
    [InlineData("""{"model": 3}""", "model: expected an object, found 3")]
    [InlineData("""{"model": {}}""", "model.type: missing; expected a string")]
    [InlineData("""{"model": {"type": "Unigram"}}""", "model.type: \"Unigram\" is not supported")]
    [InlineData("""{"model": {"type": "\ud800"}}""", "model.type: expected a string, found an escape")]
    [InlineData("""{"model": {"type": "WordLevel", "unk_token": "a", "vocab": {"\ud800": 0}}}""", "an escape that is not a character")]
    [InlineData("""{"truncation": {}, "model": {}}""", "truncation: not supported")]
    public void What_is_missing_or_of_the_wrong_type_is_named(string json, string complaint) => Complaint(Write(json)).ShouldContain(complaint);

    [Theory]
    [InlineData("\"normalizer\": null", "\"normalizer\": {\"type\": \"Lowercase\"}", "normalizer: not supported with this model")]
    [InlineData("\"decoder\": null", "\"decoder\": {\"type\": \"WordPiece\"}", "decoder: not supported with this model")]
    [InlineData("\"post_processor\": null", "\"post_processor\": {\"type\": \"TemplateProcessing\"}", "post_processor: not supported")]
    [InlineData("\"type\": \"WhitespaceSplit\"", "\"type\": \"BertPreTokenizer\"", "pre_tokenizer.type: \"BertPreTokenizer\" is not supported with WordLevel")]
    [InlineData("\"type\": \"WhitespaceSplit\"", "\"type\": \"Sequence\", \"pretokenizers\": []", "pre_tokenizer.pretokenizers: empty")]
    [InlineData("\"unk_token\": \"<unk>\"", "\"unk_token\": \"<u>\"", "model.unk_token: \"<u>\" is not in model.vocab")]
    [InlineData("\"Ada\": 11", "\"Ada\": 12", "both have id 12")]
    [InlineData("\"Ada\": 11", "\"Ada\": -1", "model.vocab[\"Ada\"]: expected a token id from 0 to")]
    [InlineData("\"Ada\": 11", "\"Ada\": 4000000000", "model.vocab[\"Ada\"]: expected a token id")]
    [InlineData("\"Ada\": 11", "\"Ada\": 1.5", "model.vocab[\"Ada\"]: expected a token id")]
    [InlineData("\"Ada\": 11", "\"Ada\": 11, \"Ada\": 99", "the token is listed twice")]
    [InlineData("\"<pad>\": 1,", "\"<pad>\": 77,", "\"<pad>\" has id 77 here and 1 in added_tokens")]
    [InlineData("\"id\": 1,", "", "added_tokens[0].id: missing")]
    [InlineData("\"lstrip\": false", "\"lstrip\": true", "added_tokens[0].lstrip: true is not supported")]
    [InlineData("\"special\": true", "\"special\": \"yes\"", "added_tokens[0].special: expected true or false, found \"yes\"")]
    [InlineData("\"content\": \"<pad>\"", "\"content\": \"\"", "added_tokens[0].content: an added token cannot be empty")]
    public void A_word_level_file_that_asks_for_more_is_refused(string what, string instead, string complaint) =>
        Complaint(Edit("wordlevel/whitespace/tokenizer.json", what, instead)).ShouldContain(complaint);

    [Theory]
    [InlineData("\"type\": \"NFC\"", "\"type\": \"NFKC\"", "normalizer.type: \"NFKC\" is not supported here, only \"NFC\"")]
    [InlineData("\"dropout\": null", "\"dropout\": 0.1", "model.dropout: not supported")]
    [InlineData("\"byte_fallback\": false", "\"byte_fallback\": true", "model.byte_fallback: true is not supported")]
    [InlineData("\"end_of_word_suffix\": \"\"", "\"end_of_word_suffix\": \"</w>\"", "model.end_of_word_suffix: not supported")]
    [InlineData("\"behavior\": \"Isolated\"", "\"behavior\": \"Removed\"", "behavior: only \"Isolated\"")]
    [InlineData("|\\\\s+\"", "|\\\\s*\"", "pre_tokenizer.pretokenizers[0].pattern.Regex: the pattern matches the empty text")]
    [InlineData("|\\\\s+\"", "|\\\\bs+\"", "pre_tokenizer.pretokenizers[0].pattern.Regex: the pattern is not supported: at character ")]
    [InlineData("\"post_processor\": {", "\"post_processor\": {\"type\": \"BertProcessing\"}, \"x\": {", "post_processor.type: \"BertProcessing\" is not supported")]
    [InlineData("\"post_processor\": {", "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": []}, \"x\": {", "post_processor.single: the text, \"A\", is missing")]
    [InlineData("\"Ď\": 202", "\"Ďzz\": 202", "byte 0x0E (\"Ď\") has no token")]
    [InlineData("\"æľ\",\n    \"¬\"", "\"æľ\",\n    \"¬¬\"", "model.merges[1741]: \"¬¬\" is not in model.vocab")]
    [InlineData("\"æľ\",\n    \"¬\"", "\"æľ\"", "model.merges[1741]: expected two parts")]
    [InlineData("\"merges\": [", "\"merges\": [\"ab\",", "model.merges[0]: expected two parts with one space")]
    [InlineData("\"merges\": [", "\"merges\": [7,", "model.merges[0]: expected a string, found 7")]
    [InlineData("\"add_prefix_space\": false", "\"add_prefix_space\": true", "add_prefix_space: true is not supported")]
    public void A_byte_level_file_that_asks_for_more_is_refused(string what, string instead, string complaint) =>
        Complaint(Edit("mini/tokenizer.json", what, instead)).ShouldContain(complaint);

    [Fact]
    public void Damaged_files_never_cause_anything_but_the_one_line()
    {
        var bytes = File.ReadAllBytes(Fixture.Path("wordlevel", "whitespace", "tokenizer.json"));
        var state = 12345u;
        for (var round = 0; round < 2_000; round++)
        {
            var damaged = (byte[])bytes.Clone();
            for (var edits = 0; edits <= round % 3; edits++)
            {
                state = state * 1664525 + 1013904223;
                damaged[state % (uint)damaged.Length] = (byte)(state >> 24);
            }

            var path = _scratch.File("damaged.json");
            File.WriteAllBytes(path, round % 5 == 0 ? damaged[..(int)(state % (uint)damaged.Length)] : damaged);
            try
            {
                Tokenizer.Load(path).Encode("Ada <search>was");
            }
            catch (TokenizerFileException error)
            {
                error.Message.ShouldStartWith(path);
                error.Message.ShouldNotContain("\n");
            }
        }
    }

    private string Write(string json)
    {
        var path = _scratch.File("tokenizer.json");
        File.WriteAllText(path, json);
        return path;
    }

    private string Edit(string source, string what, string instead) => Fixture.Edited(_scratch.Path, Fixture.Path(source), json =>
    {
        var at = json.IndexOf(what, StringComparison.Ordinal);
        at.ShouldBeGreaterThanOrEqualTo(0, what);
        return string.Concat(json.AsSpan(0, at), instead, json.AsSpan(at + what.Length));
    });

    private static string Complaint(string path)
    {
        var message = Should.Throw<TokenizerFileException>(() => Tokenizer.Load(path)).Message;
        message.ShouldNotContain("\n");
        return message;
    }
}
