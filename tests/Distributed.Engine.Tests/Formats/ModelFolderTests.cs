using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Distributed.Engine.Formats;
using Distributed.Engine.Tests.Model;

namespace Distributed.Engine.Tests.Formats;

public sealed class ModelFolderTests
{
    private static readonly string s_llama = Path.Combine(ModelFixture.Root, "llama");

    [Theory]
    [InlineData("llama", 119_488)]
    [InlineData("llama3", 119_488)]
    [InlineData("qwen2", 293_280)]
    [InlineData("qwen3", 127_616)]
    public void A_folder_that_is_saved_loads_as_it_was(string name, long parameters)
    {
        using var weights = ModelFolder.Load(Path.Combine(ModelFixture.Root, name));
        weights.Count.ShouldBe(parameters);
        using var folder = new TemporaryFolder();
        ModelFolder.Save(folder.Path, weights);
        using var again = ModelFolder.Load(folder.Path);
        (again.Config with { EndTokens = [] }).ShouldBe(weights.Config with { EndTokens = [] });
        again.Config.EndTokens.ShouldBe(weights.Config.EndTokens);
        foreach (var tensor in weights.Tensors)
            again.Tensor(tensor.Name).SequenceEqual(weights.Tensor(tensor.Name)).ShouldBeTrue(tensor.Name);
        Directory.GetFiles(folder.Path).Length.ShouldBe(2);
    }

    [Fact]
    public void Bfloat16_weights_are_the_rounded_ones()
    {
        using var full = ModelFolder.Load(s_llama);
        using var half = ModelFolder.Load(Path.Combine(s_llama, "bf16"));
        foreach (var tensor in full.Tensors)
        {
            var exact = full.Tensor(tensor.Name);
            var rounded = half.Tensor(tensor.Name);
            for (var i = 0; i < exact.Length; i++)
                rounded[i].ShouldBe(exact[i], Math.Abs(exact[i]) / 256 + 1e-30f, tensor.Name);
        }
    }

    [Fact]
    public void Float16_weights_are_read()
    {
        using var folder = TemporaryFolder.CopyOf(s_llama);
        var bytes = SafetensorsBytes(("a", "F16", "[3]", [0x00, 0x3C, 0x00, 0xC0, 0x01, 0x00]));
        File.WriteAllBytes(folder["half.safetensors"], bytes);
        using var file = SafetensorsFile.Open(folder["half.safetensors"]);
        var values = new float[3];
        unsafe
        {
            fixed (float* to = values)
                file.ReadFloats(file.Entries["a"], to);
        }

        values.ShouldBe([1f, -2f, (float)BitConverter.Int16BitsToHalf(1)]);
    }

    [Fact]
    public void Every_truncation_of_the_weights_is_refused_with_the_file_name()
    {
        using var folder = TemporaryFolder.CopyOf(s_llama);
        var whole = File.ReadAllBytes(folder["model.safetensors"]);
        foreach (var length in new[] { 0, 7, 8, 100, 3000, whole.Length / 2, whole.Length - 1 })
        {
            File.WriteAllBytes(folder["model.safetensors"], whole[..length]);
            Refusal(folder).ShouldContain("model.safetensors");
        }

        File.WriteAllBytes(folder["model.safetensors"], [.. whole, 0]);
        Refusal(folder).ShouldContain("1 bytes at the end belong to no tensor");
    }

    [Fact]
    public void A_header_that_claims_too_much_is_refused_before_it_is_read()
    {
        using var folder = TemporaryFolder.CopyOf(s_llama);
        var bytes = File.ReadAllBytes(folder["model.safetensors"]);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, ulong.MaxValue);
        File.WriteAllBytes(folder["model.safetensors"], bytes);
        Refusal(folder).ShouldContain("claims a header of 18446744073709551615 bytes");
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "'b' overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}""", 16, "4 bytes before tensor 'b'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "do not fit")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "do not fit")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "'a' has a shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,8]}}""", 8, "impossibly large")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", 8, "unknown type 'Q4'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "'a' lacks")]
    [InlineData("""{"a":3}""", 0, "'a' lacks")]
    [InlineData("""[1]""", 0, "not a JSON object")]
    [InlineData("""{"a":""", 0, "not valid JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "listed twice")]
    public void A_header_that_does_not_add_up_is_refused_with_the_tensor(string header, int dataLength, string words)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["x.safetensors"], Container(Encoding.UTF8.GetBytes(header), new byte[dataLength]));
        var message = Should.Throw<ModelFormatException>(() => SafetensorsFile.Open(folder["x.safetensors"]).Dispose()).Message;
        message.ShouldContain(words);
        message.ShouldContain("x.safetensors");
        message.ShouldNotContain("\n");
    }

    [Fact]
    public void A_missing_tensor_a_wrong_shape_and_an_extra_tensor_are_named()
    {
        using var folder = TemporaryFolder.CopyOf(s_llama);
        Edit(folder, config => config["num_hidden_layers"] = 3);
        Refusal(folder).ShouldContain("'model.layers.2.self_attn.q_proj.weight' is missing");
        Edit(folder, config => config["num_hidden_layers"] = 1);
        Refusal(folder).ShouldContain("'model.layers.1.input_layernorm.weight' is not part of the model");
        Edit(folder, config => (config["num_hidden_layers"], config["intermediate_size"]) = (2, 161));
        Refusal(folder).ShouldContain("has shape [160, 64], config.json asks for [161, 64]");
        Edit(folder, config => (config["intermediate_size"], config["tie_word_embeddings"]) = (160, true));
        Refusal(folder).ShouldContain("head is tied");
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_refused_with_its_place()
    {
        using var folder = TemporaryFolder.CopyOf(s_llama);
        var bytes = File.ReadAllBytes(folder["model.safetensors"]);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(bytes.Length - 4), float.NaN);
        File.WriteAllBytes(folder["model.safetensors"], bytes);
        Refusal(folder).ShouldContain("not finite");
    }

    [Theory]
    [InlineData("model_type", "\"mamba\"", "knows llama, qwen2 and qwen3")]
    [InlineData("hidden_act", "\"gelu\"", "must be 'silu'")]
    [InlineData("attention_bias", "true", "attention_bias is true")]
    [InlineData("use_sliding_window", "true", "use_sliding_window is true")]
    [InlineData("num_key_value_heads", "3", "multiple of num_key_value_heads")]
    [InlineData("head_dim", "15", "must be even")]
    [InlineData("hidden_size", "0", "hidden_size is 0")]
    [InlineData("hidden_size", "\"64\"", "hidden_size must be a whole number")]
    [InlineData("vocab_size", "null", "vocab_size is missing")]
    [InlineData("num_hidden_layers", "100000", "not believable")]
    [InlineData("rope_scaling", """{"rope_type":"yarn"}""", "rope_type 'yarn'")]
    [InlineData("rope_scaling", """{"rope_type":"llama3"}""", "lacks original_max_position_embeddings")]
    [InlineData("rope_theta", "-1", "rope_theta must lie")]
    [InlineData("eos_token_id", "[1, 2.5]", "eos_token_id must be a token id")]
    public void A_configuration_the_engine_cannot_honour_is_refused_with_its_key(string key, string value, string words)
    {
        using var folder = TemporaryFolder.CopyOf(s_llama);
        Edit(folder, config => config[key] = JsonNode.Parse(value));
        Refusal(folder).ShouldContain(words);
        Refusal(folder).ShouldContain("config.json");
    }

    [Fact]
    public void Missing_files_are_named()
    {
        Should.Throw<ModelFormatException>(() => ModelFolder.Load("/nowhere/at/all")).Message.ShouldStartWith("/nowhere/at/all");
        using var folder = TemporaryFolder.CopyOf(s_llama);
        File.Delete(folder["model.safetensors"]);
        Refusal(folder).ShouldContain("model.safetensors: cannot be opened");
        File.Delete(folder["config.json"]);
        Refusal(folder).ShouldContain("config.json: cannot be read");
    }

    private static string Refusal(TemporaryFolder folder)
    {
        var message = Should.Throw<ModelFormatException>(() => ModelFolder.Load(folder.Path).Dispose()).Message;
        message.ShouldNotContain("\n");
        return message;
    }

    private static void Edit(TemporaryFolder folder, Action<JsonNode> edit)
    {
        var config = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!;
        edit(config);
        File.WriteAllText(folder["config.json"], config.ToJsonString());
    }

    private static byte[] SafetensorsBytes((string Name, string Type, string Shape, byte[] Values) tensor) => Container(
        Encoding.UTF8.GetBytes(
            $$"""{"{{tensor.Name}}":{"dtype":"{{tensor.Type}}","shape":{{tensor.Shape}},"data_offsets":[0,{{tensor.Values.Length}}]} }"""),
        tensor.Values);

    private static byte[] Container(byte[] header, byte[] values)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        return [.. prefix, .. header, .. values];
    }
}
