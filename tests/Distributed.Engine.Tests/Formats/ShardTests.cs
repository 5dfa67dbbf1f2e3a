using System.Text.Json.Nodes;
using Distributed.Engine.Formats;
using Distributed.Engine.Tests.Model;

namespace Distributed.Engine.Tests.Formats;

public sealed class ShardTests
{
    private static readonly string s_qwen2 = Path.Combine(ModelFixture.Root, "qwen2");

    [Theory]
    [InlineData(1)]
    [InlineData(200_000)]
    [InlineData(700_000)]
    public void A_model_in_several_files_is_the_model_in_one(long most)
    {
        using var folder = new TemporaryFolder();
        var written = ModelConversion.Convert(s_qwen2, folder["cut"], new ConversionOptions { MostShardBytes = most });
        written.Files.Count.ShouldBe(most == 1 ? 38 : most == 200_000 ? 7 : 2);
        File.Exists(Path.Combine(folder["cut"], "model.safetensors.index.json")).ShouldBeTrue();
        using var whole = ModelFolder.Load(s_qwen2);
        using var cut = ModelFolder.Load(folder["cut"]);
        cut.Span.SequenceEqual(whole.Span).ShouldBeTrue();

        ModelConversion.Convert(folder["cut"], folder["one"], new ConversionOptions()).Files.ShouldBe(["model.safetensors"]);
        using var one = ModelFolder.Load(folder["one"]);
        one.Span.SequenceEqual(whole.Span).ShouldBeTrue();
    }

    [Fact]
    public void A_folder_is_described_without_its_weights_being_read()
    {
        using var folder = new TemporaryFolder();
        ModelConversion.Convert(s_qwen2, folder["cut"], new ConversionOptions { MostShardBytes = 300_000, Type = WeightType.BF16 });
        var described = ModelDescription.Read(folder["cut"]);
        described.Family.ShouldBe("qwen2");
        described.Parameters.ShouldBe(293_280);
        described.Bytes.ShouldBe(2 * 293_280);
        described.ParametersByType.ShouldBe(new Dictionary<string, long> { ["BF16"] = 293_280 });
        described.Shards.Select(shard => shard.Name).ShouldBe(["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"]);
        described.Shards.Sum(shard => shard.Tensors).ShouldBe(described.Tensors.Count);
        described.Tensors[0].ShouldBe(new TensorDescription("model.embed_tokens.weight", "BF16", described.Tensors[0].Shape, "model-00001-of-00003.safetensors", 2 * 259 * 96));
        described.Tensors[0].Shape.ShouldBe([259, 96]);
    }

    [Fact]
    public void Rounding_to_bfloat16_gives_the_reference_folders_bits()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "llama", "qwen2", "qwen3" })
        {
            ModelConversion.Convert(Path.Combine(ModelFixture.Root, name), folder[name], new ConversionOptions { Type = WeightType.BF16 }).Type.ShouldBe(WeightType.BF16);
            using var own = ModelFolder.Load(folder[name]);
            using var wanted = ModelFolder.Load(Path.Combine(ModelFixture.Root, name, "bf16"));
            own.Span.SequenceEqual(wanted.Span).ShouldBeTrue(name);
            JsonNode.Parse(File.ReadAllText(Path.Combine(folder[name], "config.json")))!["torch_dtype"]!.GetValue<string>().ShouldBe("bfloat16");
        }
    }

    [Fact]
    public void Float16_keeps_ten_bits_and_refuses_what_does_not_fit()
    {
        using var folder = new TemporaryFolder();
        ModelConversion.Convert(s_qwen2, folder["half"], new ConversionOptions { Type = WeightType.F16 });
        using var half = ModelFolder.Load(folder["half"]);
        using var whole = ModelFolder.Load(s_qwen2);
        for (var i = 0; i < whole.Span.Length; i++)
            half.Span[i].ShouldBe((float)(Half)whole.Span[i]);

        whole.Span[12345] = 1e6f;
        ModelFolder.Save(folder["large"], whole);
        Should.Throw<ModelFormatException>(() => ModelConversion.Convert(folder["large"], folder["x"], new ConversionOptions { Type = WeightType.F16 }))
            .Message.ShouldContain("too large for F16");
    }

    [Fact]
    public void A_target_that_is_not_empty_is_refused()
    {
        using var folder = TemporaryFolder.CopyOf(s_qwen2);
        Should.Throw<ModelFormatException>(() => ModelConversion.Convert(s_qwen2, folder.Path, new ConversionOptions())).Message.ShouldContain("is not empty");
    }

    [Theory]
    [InlineData("""{}""", "weight_map is missing")]
    [InlineData("""{"weight_map":{}}""", "weight_map is empty")]
    [InlineData("""{"weight_map":{"a":3}}""", "weight_map.a must be the name")]
    [InlineData("""{"weight_map":{"a":"../model.safetensors"}}""", "not '../model.safetensors'")]
    [InlineData("""{"weight_map":{"a":"/etc/x.safetensors"}}""", "weight_map.a must be the name")]
    [InlineData("""{"weight_map":{"a":"..\\x.safetensors"}}""", "weight_map.a must be the name")]
    [InlineData("""{"weight_map":{"a":"pytorch_model.bin"}}""", "weight_map.a must be the name")]
    [InlineData("""{"weight_map":{"a":"m.safetensors","a":"n.safetensors"}}""", "weight_map.a")]
    [InlineData("""[1]""", "not a JSON object")]
    [InlineData("""{"weight_map":""", "not valid JSON")]
    public void An_index_that_makes_no_sense_is_refused_with_the_entry(string text, string words)
    {
        var message = Should.Throw<ModelFormatException>(() => ShardIndex.Parse("model.safetensors.index.json", System.Text.Encoding.UTF8.GetBytes(text))).Message;
        message.ShouldContain(words);
        message.ShouldStartWith("model.safetensors.index.json");
    }

    [Fact]
    public void An_index_and_files_that_contradict_each_other_are_refused()
    {
        using var folder = new TemporaryFolder();
        var cut = folder["cut"];
        ModelConversion.Convert(s_qwen2, cut, new ConversionOptions { MostShardBytes = 700_000 });
        var index = Path.Combine(cut, "model.safetensors.index.json");
        var text = File.ReadAllText(index);
        Edit(map => map["model.norm.weight"] = "model-00001-of-00002.safetensors");
        Refusal().ShouldContain("weight_map.model.norm.weight is model-00001-of-00002.safetensors, which does not hold that tensor");
        Edit(map => map.Remove("model.norm.weight"));
        Refusal().ShouldContain("'model.norm.weight' is not in the index's weight_map");
        File.WriteAllText(index, text);
        File.Delete(Path.Combine(cut, "model-00002-of-00002.safetensors"));
        Refusal().ShouldContain("model-00002-of-00002.safetensors: cannot be opened");
        File.Copy(Path.Combine(cut, "model-00001-of-00002.safetensors"), Path.Combine(cut, "model-00002-of-00002.safetensors"));
        Refusal().ShouldContain("is in model-00001-of-00002.safetensors too");

        string Refusal() => Should.Throw<ModelFormatException>(() => ModelFolder.Load(cut).Dispose()).Message;

        void Edit(Action<JsonObject> edit)
        {
            var json = JsonNode.Parse(text)!;
            edit(json["weight_map"]!.AsObject());
            File.WriteAllText(index, json.ToJsonString());
        }
    }

    [Fact]
    public void A_file_cut_short_after_it_was_opened_is_refused_before_it_is_mapped()
    {
        using var folder = TemporaryFolder.CopyOf(s_qwen2);
        using var file = SafetensorsFile.Open(folder["model.safetensors"]);
        using (var writer = new FileStream(folder["model.safetensors"], FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            writer.SetLength(5000);
        var last = file.Entries.Values.MaxBy(entry => entry.End)!;
        Should.Throw<ModelFormatException>(() => file.View(last).Dispose()).Message.ShouldContain("has become shorter since it was opened");
    }
}
