using System.Runtime.InteropServices;
using System.Text.Json;

namespace Distributed.Node.Tests.Commands;

[Collection(nameof(Console))]
public sealed class ModelCommandTests : IDisposable
{
    private static readonly string Llama = Path.Combine(RepositoryFolder.Path, "tests", "fixtures", "model", "llama");
    private static readonly string Tokenizers = Path.Combine(RepositoryFolder.Path, "tests", "fixtures", "tokenizer");
    private static readonly JsonElement Expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(Llama, "expected.json"))).RootElement;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Info_says_what_a_folder_holds()
    {
        var info = Json(Run("model", "info", "--model", Llama, "--tensors"))[0];
        info.GetProperty("family").GetString().ShouldBe("llama");
        info.GetProperty("parameters").GetInt64().ShouldBe(Expected.GetProperty("n_params").GetInt64());
        info.GetProperty("parameters_by_type").GetProperty("F32").GetInt64().ShouldBe(Expected.GetProperty("n_params").GetInt64());
        info.GetProperty("tensors").GetArrayLength().ShouldBe(info.GetProperty("files")[0].GetProperty("tensors").GetInt32());
        info.GetProperty("tokenizer_size").ValueKind.ShouldBe(JsonValueKind.Null);
        info.GetProperty("chat_template").GetString()!.ShouldContain("chat_template.jinja");
    }

    [Fact]
    public void Log_probabilities_and_logits_are_the_reference_ones()
    {
        var logits = _folder["logits.f32"];
        var rows = Json(Run("model", "logprobs", "--model", Llama, "--ids", Expected.GetProperty("input_ids").GetRawText(), "--logits", logits));
        rows.Length.ShouldBe(2);
        for (var i = 0; i < rows.Length; i++)
        {
            var wanted = Expected.GetProperty("token_logprobs")[i].EnumerateArray().Select(value => value.GetDouble()).ToArray();
            rows[i].GetProperty("log_probs").EnumerateArray().Select(value => value.GetDouble()).ToArray().ShouldBe(wanted, 5e-5);
            rows[i].GetProperty("sum").GetDouble().ShouldBe(wanted.Sum(), 1e-3);
        }

        var found = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(logits));
        var reference = new List<byte>();
        reference.AddRange(File.ReadAllBytes(Path.Combine(Llama, "logits_0.f32")));
        reference.AddRange(File.ReadAllBytes(Path.Combine(Llama, "logits_1.f32")));
        var expected = MemoryMarshal.Cast<byte, float>(CollectionsMarshal.AsSpan(reference));
        found.Length.ShouldBe(expected.Length);
        for (var i = 0; i < found.Length; i++)
            Math.Abs(found[i] - expected[i]).ShouldBeLessThan(1e-4f);
    }

    [Fact]
    public void Greedy_generation_from_ids_is_the_reference_one()
    {
        var greedy = Expected.GetProperty("greedy");
        var file = _folder["prompt.json"];
        File.WriteAllText(file, $$"""{"input_ids": {{greedy.GetProperty("prompt").GetRawText()}}}""");
        var row = Json(Run("model", "generate", "--model", Llama, "--ids", file, "--max-tokens", "20"))[0];
        Ids(row, "tokens").ShouldBe(greedy.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32()));
        row.GetProperty("finish").GetString().ShouldBe("length");
        row.GetProperty("log_probs").GetArrayLength().ShouldBe(20);
        row.TryGetProperty("text", out _).ShouldBeFalse();
        var stopped = Json(Run("model", "generate", "--model", Llama, "--ids", file, "--max-tokens", "20", "--stop-token", "177"))[0];
        Ids(stopped, "tokens").Last().ShouldBe(177);
        stopped.GetProperty("finish").GetString().ShouldBe("stop");
    }

    [Fact]
    public void Samples_differ_by_seed_and_come_again_with_it()
    {
        string[] command = ["model", "generate", "--model", Llama, "--ids", "[1, 2, 3]", "--max-tokens", "12", "--temperature", "1", "--top-k", "40", "--samples", "3", "--seed", "5"];
        var first = Json(Run(command)).Select(row => Ids(row, "tokens")).ToArray();
        first[0].ShouldNotBe(first[1]);
        Json(Run(command)).Select(row => Ids(row, "tokens")).ToArray().ShouldBe(first);
    }

    [Fact]
    public void Text_and_conversations_are_continued_where_there_is_a_tokenizer()
    {
        var folder = FolderWithTokenizer();
        var row = Json(Run("model", "generate", "--model", folder, "--text", "hello world", "--max-tokens", "4"))[0];
        row.GetProperty("prompt_tokens").GetInt32().ShouldBe(2);
        row.GetProperty("text").GetString().ShouldNotBeNull();
        var answer = Json(Run("model", "generate", "--model", folder, "--messages", """[{"role": "user", "content": "hello"}]""", "--max-tokens", "4"))[0];
        answer.GetProperty("prompt_tokens").GetInt32().ShouldBe(3);
    }

    [Fact]
    public void Lines_are_tokenized_and_ids_written_back_as_text()
    {
        var tokenizer = Path.Combine(Tokenizers, "mini", "tokenizer.json");
        var row = File.ReadLines(Path.Combine(Tokenizers, "mini", "encode.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .First(row => row.GetProperty("text").GetString()!.Contains('\n', StringComparison.Ordinal));
        File.WriteAllText(_folder["texts"], JsonSerializer.Serialize(row.GetProperty("text").GetString()) + "\n\"\"\n");
        var lines = Run("model", "tokenize", "--model", tokenizer, _folder["texts"], "--json").Out.TrimEnd().Split('\n');
        Json(lines[0]).EnumerateArray().Select(id => id.GetInt32()).ShouldBe(row.GetProperty("ids_no_special").EnumerateArray().Select(id => id.GetInt32()));
        lines[1].TrimEnd('\r').ShouldBe("[]");
        File.WriteAllText(_folder["ids"], lines[0] + "\n");
        Json(Run("model", "tokenize", "--model", tokenizer, _folder["ids"], "--decode"))[0].GetString().ShouldBe(row.GetProperty("decoded_with_special").GetString());
        File.WriteAllText(_folder["plain"], "hello <|im_end|>\nx\n");
        Run("model", "tokenize", "--model", tokenizer, _folder["plain"]).Out.TrimEnd().Split('\n').Length.ShouldBe(2);
    }

    [Fact]
    public void Conversations_are_rendered_to_the_character()
    {
        foreach (var line in File.ReadAllText(Path.Combine(Tokenizers, "chat", "chat.jsonl")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where((_, i) => i % 16 == 0))
        {
            var row = JsonDocument.Parse(line).RootElement;
            var input = row.GetProperty("options").EnumerateObject().ToDictionary(member => member.Name, member => member.Value);
            input["messages"] = row.GetProperty("messages");
            input["tools"] = row.GetProperty("tools");
            File.WriteAllText(_folder["chat.json"], JsonSerializer.Serialize(input));
            var template = Path.Combine(Tokenizers, "templates", row.GetProperty("template_id").GetString() + ".jinja");
            Run("model", "render", _folder["chat.json"], "--template", template).Out.ShouldBe(row.GetProperty("rendered").GetString(), row.GetProperty("id").GetString());
        }

        var rendered = Json(Run("model", "render", """{"messages": [{"role": "user", "content": "hello"}], "add_generation_prompt": true}""", "--model", FolderWithTokenizer(), "--ids"))[0];
        rendered.GetProperty("text").GetString().ShouldBe("<s> hello world");
        Ids(rendered, "ids").ShouldBe([1, 3, 4]);
    }

    [Fact]
    public void A_folder_is_converted_to_another_type_and_other_files()
    {
        var converted = Json(Run("model", "convert", "--model", Llama, "--out", _folder["half"], "--type", "bf16"))[0];
        converted.GetProperty("type").GetString().ShouldBe("BF16");
        converted.GetProperty("files").GetArrayLength().ShouldBe(1);
        var info = Json(Run("model", "info", "--model", _folder["half"]))[0];
        info.GetProperty("bytes").GetInt64().ShouldBe(Expected.GetProperty("n_params").GetInt64() * 2);
        ConsoleRun.Of("model", "convert", "--model", Llama, "--out", _folder["half"]).Error.ShouldContain("is not empty");
    }

    [Fact]
    public void Every_reader_withstands_some_hundred_broken_files()
    {
        var (code, text, error) = ConsoleRun.Of("model", "fuzz", "--count", "400", "--seed", "3");
        error.ShouldBeEmpty();
        code.ShouldBe(0);
        var rows = text.TrimEnd().Split('\n').Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        rows.Select(row => row[0]).ShouldBe(
            ["tokenizer", "template", "config.json", "model.safetensors", "model.safetensors.index.json", "adapter_config.json", "adapter_model.safetensors"], ignoreOrder: true);
        rows.ShouldAllBe(row => row[4] == "0" && int.Parse(row[3], System.Globalization.CultureInfo.InvariantCulture) > 20);
        rows.Sum(row => int.Parse(row[1], System.Globalization.CultureInfo.InvariantCulture)).ShouldBe(3 * 400);
    }

    public static TheoryData<string[], string> Refusals => new()
    {
        { ["model", "info", "--model", "nowhere"], "nowhere: there is no such folder" },
        { ["model", "logprobs", "--model", Llama, "--ids", "[1, 259]"], "item 1 is 259; the model's token ids go from 0 to 258" },
        { ["model", "logprobs", "--model", Llama, "--ids", "[]"], "an empty list" },
        { ["model", "logprobs", "--model", Llama, "--ids", "[1,"], "the JSON given: not JSON" },
        { ["model", "logprobs", "--model", Llama, "--ids", "no-such-file"], "no-such-file: cannot be read" },
        { ["model", "generate", "--model", Llama], "give --ids, --text or --messages" },
        { ["model", "generate", "--model", Llama, "--text", "a"], "has no tokenizer.json" },
        { ["model", "generate", "--model", Llama, "--ids", "[1]", "--temperature", "-1"], "emperature" },
        { ["model", "tokenize", "--model", "nowhere", "-"], "cannot be read" },
        { ["model", "render", "[]"], "give --model or --template" },
        { ["model", "render", "{}", "--template", "x"], "expected a list of messages" },
        { ["model", "render", "[]", "--template", "no-such-template"], "no-such-template:1:1: cannot be read" },
        { ["model", "fuzz", "--kind", "tokenizer", "--count", "0"], "--count 0" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_cannot_be_used_is_one_line(string[] args, string complaint)
    {
        var (code, _, error) = ConsoleRun.Of(args);
        code.ShouldBe(1);
        error.TrimEnd('\n', '\r').Split('\n').ShouldHaveSingleItem().ShouldContain(complaint);
    }

    /// <summary>The llama fixture with a word-level tokenizer and a chat template.</summary>
    private string FolderWithTokenizer()
    {
        var folder = Directory.CreateDirectory(_folder["model"]).FullName;
        foreach (var name in new[] { "config.json", "model.safetensors" })
            File.Copy(Path.Combine(Llama, name), Path.Combine(folder, name), overwrite: true);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), """
            {"added_tokens": [{"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}], "normalizer": null,
             "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
             "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "<s>": 1, "a": 2, "hello": 3, "world": 4}, "unk_token": "<unk>"}}
            """);
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """
            {"bos_token": {"content": "<s>"}, "chat_template": "{% for m in messages %}{{ bos_token }} {{ m.content }}{% endfor %}{% if add_generation_prompt %} world{% endif %}"}
            """);
        return folder;
    }

    private static ConsoleRun Run(params string[] args)
    {
        var run = ConsoleRun.Of(args);
        run.Error.ShouldBeEmpty();
        run.Code.ShouldBe(0);
        return run;
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static JsonElement[] Json(ConsoleRun run) =>
        run.Out.TrimStart().StartsWith("{\n", StringComparison.Ordinal) ? [Json(run.Out)] : [.. run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Json)];

    private static int[] Ids(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
