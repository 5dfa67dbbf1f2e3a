using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Distributed.Engine.Adapters;
using Distributed.Engine.Model;

namespace Distributed.Engine.Formats;

/// <summary>
/// Reads damaged files of every kind a model folder has and checks that each is either accepted or refused by a <see cref="ModelFormatException"/>
/// of one line that begins with the file's name, in bounded time and memory.
/// </summary>
public static class FormatFuzzer
{
    private const int KeptFailures = 20;

    /// <summary>Runs all inputs. Each kind has a thread of its own, which is given up if an input hangs; the run then ends.</summary>
    /// <param name="options">How many, from which seed.</param>
    /// <param name="progress">Told the number of inputs done, now and then; or null.</param>
    /// <param name="cancel">Ends the run early.</param>
    public static FuzzReport Run(FuzzOptions options, Action<int>? progress = null, CancellationToken cancel = default)
    {
        var subjects = Subjects();
        var (tallies, failures) = (new List<FuzzTally>(), new List<FuzzFailure>());
        var (failed, done) = (0, 0);
        var folder = options.OnDiskEvery > 0 ? Directory.CreateTempSubdirectory("distributed-fuzz-") : null;
        try
        {
            for (var i = 0; i < subjects.Length && !cancel.IsCancellationRequested; i++)
            {
                var count = (options.Inputs / subjects.Length) + (i < options.Inputs % subjects.Length ? 1 : 0);
                var trial = new Trial(subjects[i], options, count, folder?.FullName, options.Seed + (ulong)i);
                var hung = !trial.Run(inputs => progress?.Invoke(done + inputs), cancel);
                done += trial.Done;
                failed += trial.FailureCount;
                tallies.Add(trial.Tally());
                failures.AddRange(trial.Failures.Take(KeptFailures - failures.Count));
                if (hung)
                    break;
            }
        }
        finally
        {
            folder?.Delete(recursive: true);
        }

        return new FuzzReport(tallies, failed, failures);
    }

    // Small files that are valid before they are damaged.
    private static Subject[] Subjects()
    {
        var config = Encoding.UTF8.GetBytes(
            """
            {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_act":"silu","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,
            "num_key_value_heads":1,"head_dim":4,"intermediate_size":8,"vocab_size":5,"max_position_embeddings":64,"rms_norm_eps":1e-6,"rope_theta":500000.0,
            "rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":16},
            "attention_bias":false,"mlp_bias":false,"tie_word_embeddings":true,"torch_dtype":"float32","bos_token_id":1,"eos_token_id":[2,3],"pad_token_id":null}
            """);
        var shape = ConfigFile.Parse("config.json", config);
        var header = SafetensorsWriter.HeaderOf(new ModelLayout(shape).Tensors, WeightType.F32);
        var values = new byte[new ModelLayout(shape).ParameterCount * sizeof(float)];
        var index = Encoding.UTF8.GetBytes(
            """
            {"metadata":{"total_size":1234},"weight_map":{"model.embed_tokens.weight":"model-00001-of-00002.safetensors",
            "model.layers.0.self_attn.q_proj.weight":"model-00001-of-00002.safetensors","model.norm.weight":"model-00002-of-00002.safetensors"}}
            """);
        var adapter = Encoding.UTF8.GetBytes(
            """
            {"alpha_pattern":{"down_proj":4},"auto_mapping":null,"base_model_name_or_path":"base","bias":"none","fan_in_fan_out":false,"init_lora_weights":true,
            "layers_to_transform":[0],"lora_alpha":16,"lora_dropout":0.0,"modules_to_save":null,"peft_type":"LORA","r":2,"rank_pattern":{"v_proj":1},
            "target_modules":["q_proj","v_proj","down_proj"],"task_type":"CAUSAL_LM","use_dora":false,"use_rslora":false}
            """);
        return
        [
            new Subject(ModelFolder.WeightsName, header, (bytes, mutator) => ReadHeader(ModelFolder.WeightsName, bytes, values.Length, mutator),
                (folder, bytes, mutator) => OnDisk(folder, config, Container(bytes, values, mutator))),
            new Subject(ModelFolder.ConfigName, config, (bytes, _) => ConfigFile.Parse(ModelFolder.ConfigName, bytes),
                (folder, bytes, _) => OnDisk(folder, bytes, Container(header, values, null))),
            new Subject(ModelFolder.WeightsName + ".index.json", index, (bytes, _) => ShardIndex.Parse(ModelFolder.WeightsName + ".index.json", bytes),
                (folder, bytes, _) => OnDisk(folder, config, null, bytes)),
            new Subject(AdapterFolder.ConfigName, adapter, (bytes, _) => Layout(AdapterFolder.ConfigName, shape, bytes),
                (folder, bytes, _) =>
                {
                    Write(folder, AdapterFolder.ConfigName, bytes);
                    Write(folder, AdapterFolder.WeightsName, Container(header, values, null));
                    AdapterFolder.Load(folder, shape).Dispose();
                }),
            new Subject(AdapterFolder.WeightsName, header, (bytes, mutator) => ReadHeader(AdapterFolder.WeightsName, bytes, values.Length, mutator),
                (folder, bytes, mutator) =>
                {
                    Write(folder, AdapterFolder.ConfigName, adapter);
                    Write(folder, AdapterFolder.WeightsName, Container(bytes, values, mutator));
                    AdapterFolder.Load(folder, shape).Dispose();
                }),
        ];
    }

    private static void ReadHeader(string name, byte[] header, int dataLength, FormatMutator mutator)
    {
        var file = new byte[SafetensorsHeader.PrefixLength + header.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, mutator.HeaderLength(header.Length));
        header.CopyTo(file, SafetensorsHeader.PrefixLength);
        var length = SafetensorsHeader.LengthOf(name, file.AsSpan(0, SafetensorsHeader.PrefixLength), file.Length + dataLength);
        var json = new byte[length];
        header.AsSpan(0, Math.Min(length, header.Length)).CopyTo(json);
        SafetensorsHeader.Parse(name, json, file.Length + dataLength - SafetensorsHeader.PrefixLength - length);
    }

    private static void Layout(string name, ModelConfig shape, byte[] bytes)
    {
        var options = AdapterConfigFile.Parse(name, bytes);
        AdapterFolder.LayoutOf(name, shape, options);
    }

    private static byte[] Container(byte[] header, byte[] values, FormatMutator? mutator)
    {
        var prefix = new byte[SafetensorsHeader.PrefixLength];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, mutator?.HeaderLength(header.Length) ?? (ulong)header.Length);
        return [.. prefix, .. header, .. values.AsSpan(0, mutator?.Next(4) == 0 ? mutator.Next(values.Length) : values.Length)];
    }

    private static void OnDisk(string folder, byte[] config, byte[]? weights, byte[]? index = null)
    {
        Write(folder, ModelFolder.ConfigName, config);
        foreach (var (name, bytes) in new[] { (ModelFolder.WeightsName, weights), (ModelFolder.WeightsName + ".index.json", index) })
        {
            if (bytes is null)
                File.Delete(Path.Combine(folder, name));
            else
                Write(folder, name, bytes);
        }

        ModelFolder.Load(folder).Dispose();
    }

    private static void Write(string folder, string name, byte[] bytes) => File.WriteAllBytes(Path.Combine(folder, name), bytes);

    private sealed record Subject(string Name, byte[] Whole, Action<byte[], FormatMutator> Read, Action<string, byte[], FormatMutator> ReadOnDisk);

    private sealed class Trial(Subject subject, FuzzOptions options, int count, string? folder, ulong seed)
    {
        private readonly FormatMutator _mutator = new(seed);
        private int _accepted;
        private int _refused;
        private long _began;
        private TimeSpan _slowest;
        private long _mostBytes;
        private byte[] _input = [];

        public int Done { get; private set; }

        public int FailureCount { get; private set; }

        public List<FuzzFailure> Failures { get; } = [];

        public FuzzTally Tally() => new(subject.Name, Done, _accepted, _refused, _slowest, _mostBytes);

        /// <summary>False if an input hung.</summary>
        public bool Run(Action<int> progress, CancellationToken cancel)
        {
            Volatile.Write(ref _began, Stopwatch.GetTimestamp());
            var thread = new Thread(() =>
            {
                while (Done < count && !cancel.IsCancellationRequested)
                    One();
            }) { IsBackground = true, Name = $"fuzz {subject.Name}" };
            thread.Start();
            while (!thread.Join(TimeSpan.FromMilliseconds(250)))
            {
                progress(Done);
                if (Stopwatch.GetElapsedTime(Volatile.Read(ref _began)) <= options.Limit)
                    continue;
                Fail($"hung for {options.Limit.TotalSeconds} s");
                return false;
            }

            progress(Done);
            return true;
        }

        private void One()
        {
            _input = _mutator.Mutate(subject.Whole);
            Volatile.Write(ref _began, Stopwatch.GetTimestamp());
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                if (folder is not null && options.OnDiskEvery > 0 && Done % options.OnDiskEvery == 0)
                    subject.ReadOnDisk(folder, _input, _mutator);
                else
                    subject.Read(_input, _mutator);
                _accepted++;
            }
            catch (ModelFormatException e)
            {
                if (e.Message.AsSpan().ContainsAny('\n', '\r') || e.Message.Length > 2000 || !NamesFile(e.Message))
                    Fail($"was refused by a message that is not one line which begins with the file: {e.Message}");
                else
                    _refused++;
            }
            catch (Exception e)
            {
                Fail($"threw {e.GetType().Name}: {e.Message}");
            }

            var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            if (bytes > options.MostBytes)
                Fail($"allocated {bytes} bytes");
            var took = Stopwatch.GetElapsedTime(_began);
            _slowest = took > _slowest ? took : _slowest;
            _mostBytes = Math.Max(_mostBytes, bytes);
            Done++;
        }

        // On disk a damaged file may make another one the culprit, of the same folder.
        private bool NamesFile(string message) =>
            message.StartsWith(subject.Name, StringComparison.Ordinal) || (folder is not null && message.StartsWith(folder, StringComparison.Ordinal));

        private void Fail(string what)
        {
            FailureCount++;
            if (Failures.Count < KeptFailures)
                Failures.Add(new FuzzFailure(subject.Name, Done, what.ReplaceLineEndings(" "), Convert.ToBase64String(_input)));
        }
    }
}
