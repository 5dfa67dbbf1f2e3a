using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Formats;

/// <summary>A model as a Hugging Face folder: config.json and model.safetensors, in one piece or several. The tokenizer's file beside them is read by its own class.</summary>
internal sealed class ModelFolder : IDisposable
{
    public const string ConfigName = "config.json";
    public const string WeightsName = "model.safetensors";
    private const string Head = "lm_head.weight";

    private ModelFolder(ModelConfig config, WeightFiles weights, ModelLayout layout) => (Config, Weights, Layout) = (config, weights, layout);

    public ModelConfig Config { get; }

    public WeightFiles Weights { get; }

    public ModelLayout Layout { get; }

    /// <summary>Opens a folder and checks that files and configuration belong together; reads no weights.</summary>
    /// <exception cref="ModelFormatException">A file is missing or not as it must be; the message names it, the place and the mend.</exception>
    public static ModelFolder Open(string folder)
    {
        if (!Directory.Exists(folder))
            throw new ModelFormatException($"{folder}: there is no such folder; give a folder with {ConfigName} and {WeightsName}.");
        var config = ConfigFile.Load(Path.Combine(folder, ConfigName));
        var weights = WeightFiles.Open(folder, WeightsName);
        try
        {
            var layout = new ModelLayout(config);
            var opened = new ModelFolder(config, weights, layout);
            foreach (var tensor in layout.Tensors)
            {
                var stored = opened.Find(tensor);
                stored.File.TypeOf(stored.Entry);
            }

            opened.RefuseExtra();
            return opened;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Loads configuration and weights (F32, F16 or BF16, upcast to float32).</summary>
    /// <exception cref="ModelFormatException">A file is missing or not as it must be; the message names it, the place and the mend.</exception>
    public static unsafe ModelWeights Load(string folder)
    {
        using var opened = Open(folder);
        var weights = new ModelWeights(opened.Config);
        try
        {
            for (var i = 0; i < opened.Layout.Tensors.Count; i++)
            {
                var stored = opened.Find(opened.Layout.Tensors[i]);
                stored.File.ReadFloats(stored.Entry, weights.Pointer + opened.Layout.OffsetOf(i));
            }

            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Writes config.json and model.safetensors (F32) so that an interrupted save leaves the older files whole.</summary>
    /// <exception cref="IOException">The folder cannot be written or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is read-only.</exception>
    public static void Save(string folder, ModelWeights weights)
    {
        Directory.CreateDirectory(folder);
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), weights);
        ConfigFile.Save(Path.Combine(folder, ConfigName), weights.Config);
    }

    /// <summary>Where a tensor of the model lies.</summary>
    /// <exception cref="ModelFormatException">It is missing or of another shape.</exception>
    public StoredTensor Find(TensorShape tensor)
    {
        if (!Weights.Tensors.TryGetValue(tensor.Name, out var stored))
            throw new ModelFormatException(
                $"{Weights.Path}: tensor '{tensor.Name}' is missing; "
                + (tensor.Name == Head ? $"if the embedding is the head too, {ConfigName} must say tie_word_embeddings: true." : $"the file does not belong to the {ConfigName} beside it."));
        if (!stored.Entry.Shape.SequenceEqual(tensor.Shape.Select(size => (long)size)))
            throw new ModelFormatException(
                $"{stored.File.Path}: tensor '{tensor.Name}' has shape [{string.Join(", ", stored.Entry.Shape)}], {ConfigName} asks for [{string.Join(", ", tensor.Shape)}]; they do not belong together.");
        return stored;
    }

    public void Dispose() => Weights.Dispose();

    private void RefuseExtra()
    {
        foreach (var (name, stored) in Weights.Tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            // Old files keep the rotary frequencies, which follow from config.json.
            if (Layout.IndexOf(name) >= 0 || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || IsCopyOfEmbedding(name, stored))
                continue;
            var why = name == Head && Config.TiedHead ? "config.json says that the head is tied, yet this one differs from the embedding; take the tensor out or set tie_word_embeddings to false"
                : "config.json has no place for it; take it out or use the right config.json";
            throw new ModelFormatException($"{stored.File.Path}: tensor '{SafetensorsHeader.Short(name)}' is not part of the model: {why}.");
        }
    }

    // Some files of tied models hold the head nevertheless.
    private unsafe bool IsCopyOfEmbedding(string name, StoredTensor head)
    {
        var embedding = Find(Layout.Tensors[0]);
        if (name != Head || !Config.TiedHead || head.Entry.Type != embedding.Entry.Type || !head.Entry.Shape.SequenceEqual(embedding.Entry.Shape))
            return false;
        using var one = head.File.View(head.Entry);
        using var other = embedding.File.View(embedding.Entry);
        for (long at = 0, length = head.Entry.End - head.Entry.Start; at < length; at += 1 << 20)
        {
            var part = (int)Math.Min(1 << 20, length - at);
            if (!new ReadOnlySpan<byte>(one.Pointer + at, part).SequenceEqual(new ReadOnlySpan<byte>(other.Pointer + at, part)))
                return false;
        }

        return true;
    }
}
