using System.Text.Json;
using Distributed.Engine.Templates;
using Distributed.Engine.Tests.Templates;
using Distributed.Engine.Tokenizers;

namespace Distributed.Engine.Tests.Tokenizers;

/// <summary>The tokenizers of real models against the reference vectors.</summary>
public sealed class RealTokenizerTests
{
    [RealTokenizerFact("qwen2_5")]
    public void Qwen2_5_is_the_reference_in_every_row() => CheckAll("qwen2_5", size: 151_665);

    [RealTokenizerFact("qwen3")]
    public void Qwen3_is_the_reference_in_every_row() => CheckAll("qwen3", size: 151_669);

    [RealTokenizerFact("llama3")]
    public void Llama3_is_the_reference_and_adds_nothing() => CheckIds("llama3", []).EncodeFramed("a").Length.ShouldBe(1);

    [RealTokenizerFact("llama3_1")]
    public void Llama3_1_is_the_reference_and_begins_with_its_begin_token() => CheckIds("llama3_1", []).EncodeFramed("a")[0].ShouldBe(128_000);

    [RealTokenizerFact("gpt2")]
    public void Gpt2_is_the_reference() => CheckIds("gpt2", []);

    [RealTokenizerFact("deepseek_v3")]
    public void DeepSeek_V3_with_its_three_splits_is_the_reference() => CheckIds("deepseek_v3", [128_803]).Decode([128_803]).ShouldBe("<｜User｜>");

    [RealTokenizerFact("qwen3")]
    public void A_long_run_of_one_character_is_not_quadratic()
    {
        var tokenizer = NpmTokenizer.Load("qwen3");
        foreach (var unit in new[] { "a", "\n", " ", "!", "é", "😀", "ab" })
        {
            var text = string.Concat(Enumerable.Repeat(unit, 50_000 / unit.Length));
            tokenizer.Decode(tokenizer.Encode(text)).ShouldBe(text);
        }
    }

    // The expected texts are Jinja2's.
    [RealTokenizerFact("llama3_1", "deepseek_v3")]
    public void A_folder_names_its_template_and_the_special_tokens_in_it()
    {
        Render("llama3_1").ShouldBe(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
        Render("deepseek_v3").ShouldBe("<｜begin▁of▁sentence｜>S<｜User｜>Hi<｜Assistant｜>");

        static string Render(string name)
        {
            using var variables = JsonDocument.Parse("""{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}], "add_generation_prompt": true}""");
            var file = ChatTemplateFile.Read(NpmTokenizer.Folder(name), withTools: false);
            return file.Template.Render([.. file.SpecialTokens, .. variables.RootElement.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, member.Value))]);
        }
    }

    private static void CheckAll(string name, int size)
    {
        var tokenizer = NpmTokenizer.Load(name);
        tokenizer.VocabularySize.ShouldBe(size);
        foreach (var row in Fixture.Rows(name, "encode.jsonl"))
        {
            tokenizer.Encode(row.Text("text")).ShouldBe(row.Ids("ids_no_special"), row.Text("id"));
            tokenizer.EncodeFramed(row.Text("text")).ShouldBe(row.Ids("ids"), row.Text("id"));
            tokenizer.EncodeWithOffsets(row.Text("text")).Select(span => span.Id).ShouldBe(row.Ids("ids_no_special"), row.Text("id"));
            CheckDecoding(tokenizer, row);
        }

        foreach (var row in Fixture.Rows(name, "decode.jsonl"))
            CheckDecoding(tokenizer, row);
        var template = ChatTemplate.Parse(File.ReadAllText(Fixture.Path("templates", name + ".jinja")), name);
        foreach (var row in Fixture.Rows("chat", "chat.jsonl").Where(row => row.Text("template_id") == name))
            tokenizer.Encode(template.Render(ChatRows.Variables(row))).ShouldBe(row.Ids("ids"), row.Text("id"));
    }

    private static void CheckDecoding(Tokenizer tokenizer, JsonElement row)
    {
        tokenizer.Decode(row.Ids("ids")).ShouldBe(row.Text("decoded_with_special"), row.Text("id"));
        tokenizer.DecodePlain(row.Ids("ids")).ShouldBe(row.Text("decoded"), row.Text("id"));
    }

    private static Tokenizer CheckIds(string name, int[] known)
    {
        var tokenizer = NpmTokenizer.Load(name);
        var texts = Fixture.Rows("mini", "encode.jsonl").ToDictionary(row => row.Text("id"), row => row.Text("text"));
        foreach (var row in Fixture.Rows(name, "encode.jsonl"))
            tokenizer.Encode(texts[row.Text("id")]).ShouldBe(row.Ids("ids"), row.Text("id"));
        foreach (var id in known)
            tokenizer.Encode(tokenizer.Decode([id])).ShouldBe([id]);
        return tokenizer;
    }
}
