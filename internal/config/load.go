package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// FileKey is the flag, and PALISADE_CONFIG the variable, that names the file of settings.
const FileKey = "config"

// field is one setting with where its value lives.
type field struct {
	key, fallback, usage string
	secret               bool
	value                reflect.Value
}

func fields(settings *Settings) []field {
	value := reflect.ValueOf(settings).Elem()
	all := make([]field, value.NumField())
	for i := range all {
		tag := value.Type().Field(i).Tag
		all[i] = field{key: tag.Get("key"), fallback: tag.Get("default"), usage: tag.Get("usage"), secret: tag.Get("secret") != "", value: value.Field(i)}
	}
	return all
}

// AddFlags declares the flags of the named settings, or of all when none is named, and the one that names the file.
func AddFlags(flags *pflag.FlagSet, keys ...string) {
	if flags.Lookup(FileKey) == nil {
		flags.String(FileKey, "", "file of settings (YAML, TOML or JSON)")
	}
	for _, field := range fields(&Settings{}) {
		if len(keys) > 0 && !slices.Contains(keys, field.key) || flags.Lookup(field.key) != nil {
			continue
		}
		switch field.value.Interface().(type) {
		case bool:
			flags.Bool(field.key, field.fallback == "true", field.usage)
		case int:
			var fallback int
			_, _ = fmt.Sscan(field.fallback, &fallback)
			flags.Int(field.key, fallback, field.usage)
		case float64:
			fallback, _ := strconv.ParseFloat(field.fallback, 64)
			flags.Float64(field.key, fallback, field.usage)
		case time.Duration:
			fallback, _ := time.ParseDuration(field.fallback)
			flags.Duration(field.key, fallback, field.usage)
		case []string:
			flags.StringSlice(field.key, nil, field.usage)
		default:
			flags.String(field.key, field.fallback, field.usage)
		}
	}
}

// Load reads the settings: defaults, the file that --config or PALISADE_CONFIG names, the environment, the flags that were
// given. A key of the file that is no setting, and a value that is not of its setting's type, are errors.
func Load(flags *pflag.FlagSet) (Settings, error) {
	var settings Settings
	reader := viper.New()
	for _, field := range fields(&settings) {
		reader.SetDefault(field.key, field.fallback)
		if err := reader.BindEnv(field.key, environment(field.key)); err != nil {
			return settings, err
		}
		if flag := flags.Lookup(field.key); flag != nil {
			if err := reader.BindPFlag(field.key, flag); err != nil {
				return settings, err
			}
		}
	}
	if err := readFile(reader, flags); err != nil {
		return settings, err
	}
	for _, field := range fields(&settings) {
		if err := set(field, reader.Get(field.key)); err != nil {
			return settings, err
		}
	}
	return settings, settings.complete()
}

func readFile(reader *viper.Viper, flags *pflag.FlagSet) error {
	path := os.Getenv(environment(FileKey))
	if flag := flags.Lookup(FileKey); flag != nil && flag.Changed {
		path = flag.Value.String()
	}
	if path == "" {
		return nil
	}
	file := viper.New()
	file.SetConfigFile(path)
	if err := file.ReadInConfig(); err != nil {
		// The reader's message may quote the file, which may hold a password.
		return fmt.Errorf("settings in %s: not a readable YAML, TOML or JSON file", path)
	}
	known := map[string]bool{}
	for _, field := range fields(&Settings{}) {
		known[field.key] = true
	}
	for key := range file.AllSettings() {
		if !known[key] {
			return fmt.Errorf("settings in %s: there is no setting %q", path, key)
		}
	}
	return reader.MergeConfigMap(file.AllSettings())
}

// set puts a value, which may be the text of an environment variable, into its field.
func set(field field, value any) error {
	refuse := func(want string) error {
		if field.secret {
			return fmt.Errorf("%s (%s): want %s", field.key, environment(field.key), want)
		}
		return fmt.Errorf("%s (%s) is %q: want %s", field.key, environment(field.key), fmt.Sprint(value), want)
	}
	text := strings.TrimSpace(fmt.Sprint(value))
	switch target := field.value.Addr().Interface().(type) {
	case *bool:
		switch strings.ToLower(text) {
		case "true", "1", "yes", "on":
			*target = true
		case "false", "0", "no", "off":
			*target = false
		default:
			return refuse("true or false")
		}
	case *int:
		var rest string
		if n, _ := fmt.Sscan(text, target, &rest); n != 1 {
			return refuse("a number")
		}
	case *float64:
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return refuse("a number")
		}
		*target = number
	case *time.Duration:
		duration, err := time.ParseDuration(text)
		if err != nil || duration < 0 {
			return refuse("a duration, as in 30s")
		}
		*target = duration
	case *[]string:
		*target = list(value)
	case *string:
		if _, ok := value.(string); !ok {
			return refuse("text")
		}
		*target = text
	}
	return nil
}

// list takes a list of a file, or comma separated text.
func list(value any) []string {
	var parts []string
	switch typed := value.(type) {
	case []any:
		for _, one := range typed {
			parts = append(parts, fmt.Sprint(one))
		}
	case []string:
		parts = typed
	default:
		parts = strings.Split(fmt.Sprint(value), ",")
	}
	var kept []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			kept = append(kept, part)
		}
	}
	return kept
}
