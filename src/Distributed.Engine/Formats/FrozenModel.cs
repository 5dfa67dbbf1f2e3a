using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Formats;

/// <summary>
/// Loads a model with its matrices as bfloat16: half the memory of float32, and a decoder waits half as long for it. BF16 files are kept as
/// they are, to the bit; F32 and F16 ones are rounded to nearest, ties to even. Besides the model itself one block of rows is held.
/// </summary>
internal static unsafe class FrozenModel
{
    private const int BlockFloats = 1 << 18;

    /// <exception cref="ModelFormatException">A file is missing or not as it must be.</exception>
    public static PackedModel Load(string folder, int contextLength)
    {
        using var opened = ModelFolder.Open(folder);
        var model = PackedModel.Frozen(opened.Config, contextLength);
        try
        {
            Fill(opened, model);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static void Fill(ModelFolder folder, PackedModel model)
    {
        var (weights, config) = (model.Weights, model.Config);
        for (var i = 0; i < weights.Tensors.Count; i++)
        {
            var stored = folder.Find(weights.Tensors[i]);
            stored.File.ReadFloats(stored.Entry, weights.Pointer + weights.Layout.OffsetOf(i));
        }

        var (keys, inner) = (config.KeyValueWidth, config.IntermediateSize);
        for (var i = 0; i < config.Layers; i++)
        {
            var (prefix, layer) = ($"model.layers.{i}.", model.Layers[i]);
            Pack(folder, prefix + "self_attn.q_proj.weight", layer.Query, 0);
            Pack(folder, prefix + "self_attn.k_proj.weight", layer.KeyValue, 0);
            Pack(folder, prefix + "self_attn.v_proj.weight", layer.KeyValue, keys);
            Pack(folder, prefix + "self_attn.o_proj.weight", layer.Output, 0);
            Pack(folder, prefix + "mlp.gate_proj.weight", layer.GateUp, 0);
            Pack(folder, prefix + "mlp.up_proj.weight", layer.GateUp, inner);
            Pack(folder, prefix + "mlp.down_proj.weight", layer.Down, 0);
        }

        Pack(folder, config.TiedHead ? "model.embed_tokens.weight" : "lm_head.weight", model.Head, 0);
        if (model.EmbeddingRows is { } rows)
        {
            var to = (ushort*)rows.Pointer;
            Rows(folder, "model.embed_tokens.weight", (words, first, count) =>
            {
                var part = (long)count * config.HiddenSize;
                Buffer.MemoryCopy(words, to + ((long)first * config.HiddenSize), part * sizeof(ushort), part * sizeof(ushort));
            });
        }

        model.Repack();
    }

    private static void Pack(ModelFolder folder, string name, PackedMatrix matrix, int firstColumn) =>
        Rows(folder, name, (words, first, count) => matrix.Half!.PackLinear(words, firstColumn + first, count));

    // Gives a matrix as blocks of bfloat16 rows.
    private static void Rows(ModelFolder folder, string name, RowBlock take)
    {
        TensorShape tensor = folder.Layout.Tensors[folder.Layout.IndexOf(name)];
        var stored = folder.Find(tensor);
        var type = stored.File.TypeOf(stored.Entry);
        var (rows, width) = (tensor.Shape[0], tensor.Shape[1]);
        var block = Math.Max(32, BlockFloats / width);
        using var view = stored.File.View(stored.Entry);
        using var floats = type == WeightType.BF16 ? null : new FloatBuffer((long)block * width);
        using var rounded = type == WeightType.BF16 ? null : new FloatBuffer(((long)block * width + 1) / 2);
        for (var row = 0; row < rows; row += block)
        {
            var count = Math.Min(block, rows - row);
            var (start, length) = ((long)row * width, (long)count * width);
            var from = view.Pointer + (start * type.Size());
            var words = (ushort*)from;
            if (floats is not null)
            {
                WeightTypes.ToFloats(from, type, floats.Pointer, length);
                words = (ushort*)rounded!.Pointer;
                WeightTypes.FromFloats(floats.Pointer, WeightType.BF16, (byte*)words, length);
            }

            if (WeightTypes.FirstNotFinite(words, length) is var bad and >= 0)
                throw stored.File.NotFinite(stored.Entry, start + bad);
            take(words, row, count);
        }
    }

    private delegate void RowBlock(ushort* words, int first, int count);
}
